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

/** The run of the CI, as its pages name it; on the machine of a person, the person. */
function run(env: NodeJS.ProcessEnv): string {
  const job =
    env.USERFARM_OWNER ||
    (env.GITHUB_RUN_ID && `${env.GITHUB_REPOSITORY}/${env.GITHUB_RUN_ID}`) ||
    (env.CI_PIPELINE_ID && `${env.CI_PROJECT_PATH}/${env.CI_PIPELINE_ID}`) ||
    env.BUILD_TAG || // Jenkins
    (env.CIRCLE_BUILD_NUM && `${env.CIRCLE_PROJECT_REPONAME}/${env.CIRCLE_BUILD_NUM}`) ||
    (env.BUILDKITE_BUILD_NUMBER && `${env.BUILDKITE_PIPELINE_SLUG}/${env.BUILDKITE_BUILD_NUMBER}`) ||
    env.BUILD_BUILDNUMBER; // Azure Pipelines
  return job || `${person()}@${hostname()}`;
}

function person(): string {
  try {
    return userInfo().username;
  } catch {
    return 'somebody'; // a container may have a user without a name
  }
}
