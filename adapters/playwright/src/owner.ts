import { hostname, userInfo } from 'node:os';
import type { TestInfo, WorkerInfo } from '@playwright/test';

/** Who holds an account, for people: the run, the project and the worker. */
export function ownerOf({ project, config, workerIndex }: WorkerInfo): string {
  const shard = config.shard ? `shard-${config.shard.current}` : '';
  return [run(process.env), project.name, shard, `worker-${workerIndex}`].filter(Boolean).join('/').slice(0, 255);
}

/** What the account is for: the title of the test. */
export function noteOf({ titlePath, retry }: TestInfo): string {
  return `${titlePath.join(' › ')}${retry ? `, retry ${retry}` : ''}`.slice(0, 1024);
}

/** The variables with which each CI names a run; pytest-userfarm has the same list. The first ones that are all set count. */
const ofCI = [
  ['GITHUB_REPOSITORY', 'GITHUB_RUN_ID', 'GITHUB_JOB'],
  ['CI_PROJECT_PATH', 'CI_PIPELINE_ID', 'CI_JOB_NAME'], // GitLab
  ['CIRCLE_PROJECT_REPONAME', 'CIRCLE_BUILD_NUM'],
  ['BUILD_DEFINITIONNAME', 'BUILD_BUILDNUMBER'], // Azure Pipelines
  ['BUILDKITE_PIPELINE_SLUG', 'BUILDKITE_BUILD_NUMBER'],
  ['BITBUCKET_REPO_FULL_NAME', 'BITBUCKET_BUILD_NUMBER'],
  ['TEAMCITY_PROJECT_NAME', 'BUILD_NUMBER'],
  ['BUILD_TAG'], // Jenkins
];

/** The run of the CI; on the machine of a person, the person. @internal */
export function run(env: NodeJS.ProcessEnv): string {
  const job = ofCI.find(names => names.every(name => env[name]))?.map(name => env[name]).join('/');
  return env.USERFARM_OWNER || job || `${person()}@${hostname()}`;
}

function person(): string {
  try {
    return userInfo().username;
  } catch {
    return 'somebody'; // a container may have a user without a name
  }
}
