// Package profile reads and changes the file that has the addresses and API keys of several farms, each under a name:
//
//	{
//	  "default": "work",
//	  "profiles": {
//	    "work": {"url": "https://farm.example.com", "api_key": "userfarm_…"},
//	    "lab": {"url": "http://lab.example.com:8000", "api_key_file": "lab.key", "project": "Shop", "env": "stage"}
//	  }
//	}
//
// It is JSON, because the fixtures for Playwright and pytest read it, too, and need no library for that.
package profile
