"""The mutants: for each rule a passage of the source, its replacement, and the checks that must fail."""

from dataclasses import dataclass
from pathlib import Path

MODEL = "tests/model"


@dataclass(frozen=True)
class Mutant:
    """A broken rule."""

    name: str
    """The name in the table of results."""
    breaks: str
    """The effect of the mutant."""
    file: str
    """The changed file."""
    old: str
    """The passage. The file must contain it exactly once."""
    new: str
    """The replacement."""
    checks: tuple[str, ...] = (MODEL,)
    """Arguments of pytest, tried in order until a test fails."""

    def apply(self, tree: Path) -> None:
        """Replace the passage in the file.

        Raises:
            ValueError: the file does not contain the passage exactly once: this table is older than the source.
        """
        path = tree / self.file
        source = path.read_text(encoding="utf-8")
        if source.count(self.old) != 1:
            raise ValueError(f"{self.name}: {self.file} holds the passage {source.count(self.old)} times, not once")
        path.write_text(source.replace(self.old, self.new), encoding="utf-8")


MUTANTS = (
    Mutant(
        name="a write without its lease",
        breaks="who lost the lease may still write",
        file="storage/claims.py",
        old="    WHERE id = :claim_id AND lease_token = :claim_token AND stage = :claim_stage\n",
        new="    WHERE id = :claim_id AND CAST(:claim_token AS uuid) IS NOT NULL AND stage = :claim_stage\n",
    ),
    Mutant(
        name="capture after the move",
        breaks="a generation can be completed and not paid",
        file="tasks/settle.py",
        old="    return stage.advance(\n        services,\n        claim,\n        Stage.COMPLETED,\n"
        '        event={"credits": generation.credits},\n'
        "        within=lambda statements: ledger.capture(statements, generation.customer_id, claim.id),\n    )\n",
        new='    stage.advance(services, claim, Stage.COMPLETED, event={"credits": generation.credits})\n'
        "    with services.database.statements() as statements:\n"
        "        ledger.capture(statements, generation.customer_id, claim.id)\n    return None\n",
    ),
    Mutant(
        name="release after the failure",
        breaks="a generation can fail and keep its hold",
        file="tasks/stage.py",
        old="        claims.fail(statements, claim, code, message)\n",
        new='        values = {"error_code": code, "error_message": message}\n'
        '        claims.move(statements, claim, Stage.FAILED, wake_in=0, event={"code": code}, values=values)\n'
        "    with services.database.statements() as statements:\n"
        "        ledger.release(statements, claim.generation.customer_id, claim.id)\n",
    ),
    Mutant(
        name="cancelled while queued without a release",
        breaks="a cancelled generation keeps its hold",
        file="storage/cancellation.py",
        old="    ledger.release(session, row.customer_id, row.id)\n",
        new="",
    ),
    Mutant(
        name="a create before its intent",
        breaks="a worker that dies after the create leaves a generation that is sent again",
        file="tasks/submit.py",
        old="    return _send(services, _declare(services, claim), lease, request, failures=failures)\n",
        new="    submission = _create(services, claim, request, Departure(lease))\n"
        "    return conclusions.accepted(services, _declare(services, claim), submission)\n",
    ),
    Mutant(
        name="no fence",
        breaks="a create leaves although another worker may have the generation",
        file="tasks/submit.py",
        old="        self._lease.fence()\n",
        new="",
    ),
    Mutant(
        name="sent again on an unknown outcome",
        breaks="a create whose reply was lost is repeated",
        file="tasks/submit.py",
        old="        conclusions.unknown(services, claim, reason=error.message)\n",
        new="        conclusions.requeue(services, claim, error.message, 0.0)\n",
    ),
    Mutant(
        name="a bug after the create sends it again",
        breaks="an unforeseen error counts as not sent",
        file="tasks/submit.py",
        old="    if departure.has_left:\n",
        new="    if departure.has_left and claim.generation.crashes:\n",
    ),
    Mutant(
        name="sent again when the outcome stays unknown",
        breaks="every route is treated as one that may be sent twice",
        file="tasks/unknown_submit.py",
        old=" is UnknownSubmit.RESUBMIT:",
        new=" in UnknownSubmit:",
    ),
    Mutant(
        name="the accepted id is lost with the lease",
        breaks="what the vendor accepted is forgotten by the only worker that knows it",
        file="tasks/conclusions.py",
        old="            is_kept = submissions.accepted(session, claim, remote_id, submission.links, object_key)\n",
        new="            is_kept = False\n",
    ),
    Mutant(
        name="the callback's word beats the reply",
        breaks="a generation's work is exchanged for another",
        file="tasks/unknown_submit.py",
        old="    if generation.remote_id is not None:\n"
        "        return Submission(generation.remote_id, generation.remote_links)\n"
        "    with services.database.transaction() as session:\n"
        "        remote_id = callbacks.adoptable_remote_id(session, claim.id, generation.provider)\n",
        new="    with services.database.transaction() as session:\n"
        "        adopted = callbacks.adoptable_remote_id(session, claim.id, generation.provider)\n"
        "    remote_id = adopted or generation.remote_id\n",
        checks=("tests/integration/tasks/test_submit.py", MODEL),
    ),
    Mutant(
        name="a callback wakes what is finished",
        breaks="a late callback touches a generation that has ended",
        file="storage/callbacks.py",
        old="generations.id = found.id AND found.stage = ANY(:awaits_callback)\n",
        new="generations.id = found.id AND (true OR found.stage = ANY(:awaits_callback))\n",
    ),
    Mutant(
        name="a callback during a claim is overlooked",
        breaks="a callback that comes while a worker holds the row waits for the safety poll",
        file="storage/claims.py",
        old='        *(["callback_at"] if stage in AWAITS_CALLBACK else []),\n',
        new="",
    ),
    Mutant(
        name="a claim for any attempt",
        breaks="every copy of a message is heeded",
        file="storage/claims.py",
        old=" AND attempt = :attempt AND {IS_FREE}\n    RETURNING",
        new=" AND CAST(:attempt AS int) >= 0 AND {IS_FREE}\n    RETURNING",
    ),
    Mutant(
        name="a claim of what is held",
        breaks="two workers have one generation",
        file="storage/claims.py",
        old=" AND attempt = :attempt AND {IS_FREE}\n    RETURNING",
        new=" AND attempt = :attempt\n    RETURNING",
    ),
    Mutant(
        name="a withdrawal of another's create",
        breaks="a worker that kept its create here queues what another has sent",
        file="storage/submissions.py",
        old="        col(Generation.submission) == sender.token,\n",
        new="",
        checks=("tests/integration/tasks/test_submit.py", MODEL),
    ),
    Mutant(
        name="leases renewed past the deadline",
        breaks="a worker that is stuck holds its generation for ever",
        file="storage/claims.py",
        old=" AND (deadline_at > now() OR stage = 'settling')\n",
        new="\n",
    ),
    Mutant(
        name="looked at past the deadline",
        breaks="a deadline is noticed late",
        file="storage/claims.py",
        old='    waited = f"least({asked}, deadline_at)"\n',
        new="    waited = asked\n",
    ),
    Mutant(
        name="failed reads are counted",
        breaks="work that was paid for is given up because the vendor was away",
        file="tasks/stage.py",
        old="    failures = claim.generation.failures + 1\n",
        new="    failures = claim.generation.failures + 1\n"
        "    if failures >= services.settings.pipeline.stage_failures:\n"
        "        return fail(services, claim, ErrorCode.INTERNAL, INTERNAL)\n",
    ),
    Mutant(
        name="what was never begun is charged",
        breaks="cancelling costs although no vendor had it",
        file="tasks/stage.py",
        old="rule is CancelRule.CHARGED and claim.generation.stage is Stage.GENERATING and not is_free\n",
        new="rule is CancelRule.CHARGED\n",
    ),
    Mutant(
        name="progress goes back",
        breaks="a customer sees less than before",
        file="storage/claims.py",
        old='        **({} if progress is None else {"progress": "greatest(progress, :progress)"}),\n',
        new='        **({} if progress is None else {"progress": ":progress"}),\n',
        checks=("tests/integration/storage/test_generations.py", MODEL),
    ),
    Mutant(
        name="a wake-up that was not sent is forgotten",
        breaks="what finds its queue full waits for the resend",
        file="workers/dispatch.py",
        old="                generations.make_due(statement, left)\n",
        new="                pass\n",
        checks=("tests/integration/tasks/test_wake.py", MODEL),
    ),
)
