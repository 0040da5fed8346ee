// Package profile reads and changes the file that has the addresses and API keys of several farms, each under a name:
//
//	default: work
//	profiles:
//	  work:
//	    url: https://farm.example.com
//	    api_key: userfarm_…
//	  lab:
//	    url: http://lab.example.com:8000
//	    api_key_file: lab.key
//	    project: Shop
//	    env: stage
package profile
