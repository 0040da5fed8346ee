"""Who holds the users, for people: the run of the CI or the account and host, and the worker of pytest-xdist."""

from __future__ import annotations

import getpass
import socket
from typing import Mapping

# How each CI names a run; @userfarm/playwright has the same list. The first one whose variables are all set counts.
_CI = (
    "{GITHUB_REPOSITORY}/{GITHUB_RUN_ID}/{GITHUB_JOB}",
    "{CI_PROJECT_PATH}/{CI_PIPELINE_ID}/{CI_JOB_NAME}",  # GitLab
    "{CIRCLE_PROJECT_REPONAME}/{CIRCLE_BUILD_NUM}",
    "{BUILD_DEFINITIONNAME}/{BUILD_BUILDNUMBER}",  # Azure Pipelines
    "{BUILDKITE_PIPELINE_SLUG}/{BUILDKITE_BUILD_NUMBER}",
    "{BITBUCKET_REPO_FULL_NAME}/{BITBUCKET_BUILD_NUMBER}",
    "{TEAMCITY_PROJECT_NAME}/{BUILD_NUMBER}",
    "{BUILD_TAG}",  # Jenkins
)

_LONGEST = 255  # that the farm accepts


def owner(said: str, worker: str, environ: Mapping[str, str]) -> str:
    """Returns the owner of leases. ``said`` is what the settings say, and ``worker`` is such as gw3; both may be empty."""
    run = said or _ci(environ) or f"{_account()}@{socket.gethostname() or 'localhost'}"
    end = f"/{worker}" if worker else ""
    return run[: _LONGEST - len(end)] + end


def _ci(environ: Mapping[str, str]) -> str:
    named = {name: value for name, value in environ.items() if value}
    for template in _CI:
        try:
            return template.format_map(named)
        except KeyError:
            continue
    return ""


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # an account without a name, as in containers
        return "somebody"
