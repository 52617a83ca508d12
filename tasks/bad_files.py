"""Fetches a result again that is bad: cut, damaged, or another kind of file than ordered.

A host can send such a file for a short time, and the vendor was paid, so one bad file does not end a generation.
"""

import structlog

from schemas.enums import ErrorCode, Stage
from schemas.provider_errors import ProviderError
from storage.changes import Changes
from storage.claims import Claim
from tasks import files
from tasks.outcomes import Advance, Counts, Fail, Later
from tasks.remote import remote_ref
from tasks.services import WorkerServices
from tasks.timing import backoff
from tasks.troubles import loggable

log = structlog.get_logger()


def fetch_again(services: WorkerServices, claim: Claim, reason: str) -> Advance | Later | Fail:
    """Fetch the result again after a growing pause, a few times. Then the generation fails.

    `link` asks the vendor for a fresh link before that fetch. A file that came with the answer to the create cannot be
    fetched again.
    """
    count, most = files.bad_files(claim) + 1, services.settings.downloads.bad_files
    log.warning("bad_file", reason=reason, count=count, most=most)
    if count >= most or files.stored_key(claim.generation.result_urls[0]) is not None:
        return Fail(ErrorCode.RESULT_INVALID, reason)
    changes = Changes(download={"bad_files": count})
    pause = backoff(services.settings.pipeline, count)
    if claim.generation.stage is Stage.DOWNLOADING:
        return Later(pause, Counts.SUCCESS, changes, reason=reason)
    return Advance(Stage.DOWNLOADING, wait=pause, event={"reason": reason, "bad_files": count}, changes=changes)


def link(services: WorkerServices, claim: Claim) -> str:
    """The link to the result: after a bad file a fresh one, if the vendor gives one.

    Only the workers that download ask vendors. A bad file is often found by a worker that decodes.
    """
    [known, *_] = claim.generation.result_urls
    if not files.bad_files(claim):
        return known
    try:
        state = services.providers.get(claim.generation.provider).poll(remote_ref(claim))
    except ProviderError as error:
        log.info("link_not_refreshed", reason=loggable(error))
        return known
    [fresh, *_] = state.result_urls or [known]
    return fresh
