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
    """What finds the mutant: arguments of pytest, tried in order until a test fails; or attacks."""

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
        breaks="a worker that lost its lease can still write",
        file="storage/statements.py",
        old="        WHERE id = %(id)s AND lease_token = %(token)s AND stage = %(origin)s\n        RETURNING *\n",
        new="        WHERE id = %(id)s AND %(token)s::uuid IS NOT NULL AND stage = %(origin)s\n        RETURNING *\n",
    ),
    Mutant(
        name="capture in a later transaction",
        breaks="a generation can be completed without a capture",
        file="storage/transitions.py",
        old="        _settle(sql, claim, ledger.capture)\n    return moved\n",
        new="        sql._connection.commit()\n        _settle(sql, claim, ledger.capture)\n    return moved\n",
    ),
    Mutant(
        name="release in a later transaction",
        breaks="a generation can fail and keep its hold",
        file="storage/transitions.py",
        old="    _settle(sql, claim, ledger.release)\n    return failed\n",
        new="    sql._connection.commit()\n    _settle(sql, claim, ledger.release)\n    return failed\n",
    ),
    Mutant(
        name="cancel in `queued` without a release",
        breaks="a cancelled generation keeps its hold",
        file="storage/transitions.py",
        old="        ledger.release(sql, generation.customer_id, generation.id)\n",
        new="        pass\n",
    ),
    Mutant(
        name="a create before its intent",
        breaks="after the death of a worker that has sent a create, the create is sent again",
        file="tasks/pipeline.py",
        old="            kept = apply(services, claim, outcome, keeps_lease=step is not None)\n",
        new="            if claim.generation.stage is Stage.QUEUED and step is not None:\n"
        "                sent = step(services, claim, lease)\n"
        "                step = lambda *_: sent\n"
        "            kept = apply(services, claim, outcome, keeps_lease=step is not None)\n",
    ),
    Mutant(
        name="a create by any claim of `submitting`",
        breaks="the next worker repeats a create that may have left",
        file="tasks/pipeline.py",
        old="    Stage.SUBMITTING: Row(resolve),\n",
        new="    Stage.SUBMITTING: Row(\n        lambda services, claim, lease: send(\n"
        "            services, claim, lease, prepare(services, claim, lease).carries\n"
        "        )\n    ),\n",
    ),
    Mutant(
        name="a create without a fence",
        breaks="a create leaves although another worker may have the claim",
        file="tasks/send.py",
        old="        self._lease.fence()\n",
        new="",
    ),
    Mutant(
        name="resend after a lost reply",
        breaks="a create whose reply was lost is sent again",
        file="tasks/send.py",
        old="        return Unknown(error.message)\n",
        new='        return NotAccepted(Advance(Stage.QUEUED, wait=0.0, event={"reason": error.message}))\n',
    ),
    Mutant(
        name="resend after a crash",
        breaks="an unexpected error after a create counts as not sent",
        file="tasks/send.py",
        old="    if departure.has_left:\n",
        new="    if departure.has_left and claim.generation.crashes:\n",
    ),
    Mutant(
        name="resend on every route",
        breaks="a create whose result stays unknown is sent again on routes that forbid it",
        file="tasks/resolve.py",
        old=" is UnknownSubmit.RESUBMIT:",
        new=" in UnknownSubmit:",
    ),
    Mutant(
        name="an accepted create without a record",
        breaks="the remote id is lost if the sender lost its lease",
        file="tasks/apply.py",
        old=" if accepted is None else transitions.keep(sql, claim, accepted)\n",
        new=" if accepted is None else False\n",
    ),
    Mutant(
        name="a callback's id before the reply's id",
        breaks="the remote id of one work replaces the remote id of another work",
        file="tasks/resolve.py",
        old="    if generation.remote_id is not None:\n"
        "        return AcceptedCreate(generation.remote_id, generation.remote_links)\n"
        "    remote_id = _called_back(services, claim)\n",
        new="    remote_id = _called_back(services, claim) or generation.remote_id\n",
        checks=("tests/integration/tasks/test_submit.py", MODEL),
    ),
    Mutant(
        name="a callback wakes a finished generation",
        breaks="a late callback changes a generation that has ended",
        file="storage/callbacks.py",
        old="WHERE found.stage = ANY(%(awaits_callback)s) AND",
        new="WHERE (true OR found.stage = ANY(%(awaits_callback)s)) AND",
    ),
    Mutant(
        name="a callback during a claim has no effect",
        breaks="a callback that comes during a claim has no effect before the safety poll",
        file="storage/statements.py",
        old="                WHEN %(heeds_callback)s AND callback_at > claimed_at THEN greatest(",
        new="                WHEN %(heeds_callback)s AND claimed_at IS NULL THEN greatest(",
    ),
    Mutant(
        name="a claim for any attempt",
        breaks="every copy of a wake-up can claim the generation",
        file="storage/claims.py",
        old=" AND attempt = %(attempt)s AND {IS_FREE}\n    RETURNING",
        new=" AND %(attempt)s::int >= 0 AND {IS_FREE}\n    RETURNING",
    ),
    Mutant(
        name="a claim during a claim",
        breaks="two workers have a claim on the same generation",
        file="storage/claims.py",
        old=" AND attempt = %(attempt)s AND {IS_FREE}\n    RETURNING",
        new=" AND attempt = %(attempt)s\n    RETURNING",
    ),
    Mutant(
        name="a withdrawal of another worker's create",
        breaks="a worker whose create never left queues a generation whose create another worker has sent",
        file="storage/statements.py",
        old="        WHERE id = %(id)s AND stage = %(origin)s AND submission = %(token)s\n"
        "        RETURNING id, customer_id, stage, progress\n",
        new="        WHERE id = %(id)s AND stage = %(origin)s AND %(token)s::uuid IS NOT NULL\n"
        "        RETURNING id, customer_id, stage, progress\n",
        checks=("tests/integration/tasks/test_submit.py", MODEL),
    ),
    Mutant(
        name="renewal past the deadline",
        breaks="a stuck worker keeps its claim for ever",
        file="storage/claims.py",
        old=" AND (deadline_at > now() OR stage = 'settling')\n",
        new="\n",
    ),
    Mutant(
        name="a look after the deadline",
        breaks="a generation passes its deadline before its next look",
        file="storage/statements.py",
        old="THEN least(clock_timestamp() + make_interval(secs => %(wake_in)s), deadline_at)\n",
        new="THEN clock_timestamp() + make_interval(secs => %(wake_in)s)\n",
    ),
    Mutant(
        name="a limit of failed reads",
        breaks="paid work is given up because the vendor did not answer",
        file="tasks/troubles.py",
        old="    gap = backoff(services.settings.pipeline, claim.generation.failures + 1, at_least=at_least)\n",
        new="    if claim.generation.failures + 1 >= services.settings.pipeline.stage_failures:\n"
        "        return INTERNAL\n"
        "    gap = backoff(services.settings.pipeline, claim.generation.failures + 1, at_least=at_least)\n",
        checks=("tests/unit/tasks/test_after_the_create.py", MODEL),
    ),
    Mutant(
        name="a charge before the vendor begins",
        breaks="a cancellation is charged although no vendor has the work",
        file="tasks/remote.py",
        old="is_charged=rule is CancelRule.CHARGED and claim.generation.stage is Stage.GENERATING)\n",
        new="is_charged=rule is CancelRule.CHARGED)\n",
        checks=("tests/unit/tasks/test_after_the_create.py", MODEL),
    ),
    Mutant(
        name="progress goes back",
        breaks="the customer sees a lower progress than before",
        file="storage/statements.py",
        old="            progress = greatest(progress, %(progress)s),\n",
        new="            progress = coalesce(%(progress)s, progress),\n",
        checks=("tests/integration/storage/test_generations.py", MODEL),
    ),
    Mutant(
        name="an unsent wake-up waits for the resend",
        breaks="a generation whose queue is full waits until the resend",
        file="workers/dispatch.py",
        old="                generations.make_due(statement, left)\n",
        new="                pass\n",
        checks=("tests/integration/tasks/test_wake.py", MODEL),
    ),
    Mutant(
        name="a cap that only the first order of a day meets",
        breaks="orders of a key exceed its daily cap",
        file="storage/ledger_statements.py",
        old="        WHERE key_spending.credits + excluded.credits <= %(cap)s::bigint\n",
        new="",
        checks=("tests/integration/gateway/test_keys.py",),
    ),
    Mutant(
        name="a release that was never counted",
        breaks="a hold from before the cap of a key gives credits back to the cap",
        file="storage/ledger_statements.py",
        old=" AND NOT hold.is_uncounted",
        new="",
        checks=("tests/integration/gateway/test_key_changes.py",),
    ),
    Mutant(
        name="an order of the wrong kind",
        breaks="a live customer's order can lead to the sandbox, and a test customer's to a vendor",
        file="storage/statements.py",
        old=" AND (test_of IS NOT NULL) = %(is_test)s",
        new=" AND %(is_test)s IS NOT NULL",
        checks=("tests/integration/tasks/test_test_keys.py",),
    ),
    Mutant(
        name="a route without its scope",
        breaks="a key orders without the scope `generate`",
        file="intake/callers.py",
        old="    if scope not in found.key.scopes:\n        raise InsufficientScope(scope)\n",
        new="",
        checks=("tests/integration/gateway/test_access.py",),
    ),
    Mutant(
        name="a cookie without its token",
        breaks="a page on another port of this host acts as the person who is signed in",
        file="gateway/cross_site.py",
        old="    if not hmac.compare_digest(",
        new="    if given and not hmac.compare_digest(",
        checks=("tests/unit/gateway/test_cross_site.py",),
    ),
    Mutant(
        name="a view that acts",
        breaks="support orders for the customer whom it views",
        file="gateway/views.py",
        old="    if request.method not in READS or is_secret:",
        new="    if is_secret:",
        checks=("tests/integration/gateway/test_views.py",),
    ),
    Mutant(
        name="a signature that proves nothing",
        breaks="a message with any signature acts as the key that it names",
        file="intake/redis/signatures.py",
        old="if hmac.compare_digest(",
        new="if not hmac.compare_digest(",
        checks=("tests/integration/intake/test_signatures.py",),
    ),
    Mutant(
        name="an unsigned message where signatures are required",
        breaks="a sender without a key spends any customer's credits",
        file="intake/redis/signatures.py",
        old="if intake.settings.door.require_signatures:",
        new="if False:",
        checks=("tests/integration/intake/test_signatures.py",),
    ),
    Mutant(
        name="a signature without an end",
        breaks="a message that is sent again after months is a new order",
        file="intake/redis/signatures.py",
        old="if age > settings.signature_seconds:",
        new="if False:",
        checks=("tests/integration/intake/test_signatures.py",),
    ),
    Mutant(
        name="a full door that forgets its orders",
        breaks="an order that was accepted and not answered is refused as overloaded, and ordered twice",
        file="intake/redis/operations.py",
        old="if not acceptance.is_known(sql, customer_id, key):",
        new="if True:",
        checks=("tests/integration/intake/test_overload.py",),
    ),
    Mutant(
        name="a gateway that describes itself at the first request",
        breaks="one request for the OpenAPI document delays all others for a second",
        file="api_gateway.py",
        old="    write_document(app)\n",
        new="",
        checks=("tests/unit/gateway/openapi/test_ready.py",),
    ),
    Mutant(
        name="log lines with their secrets",
        breaks="a vendor's key, a password or a prompt stands in the log",
        file="schemas/logs.py",
        old="        Redaction(secrets_of(settings)),\n",
        new="",
        checks=("tests/unit/test_log_redaction.py",),
    ),
    Mutant(
        name="a crash that logs the order",
        breaks="the traceback of a crash quotes the prompt",
        file="schemas/log_redaction.py",
        old="            shown = texts.removed(shown)\n",
        new="            pass\n",
        checks=("tests/unit/test_log_redaction.py",),
    ),
    Mutant(
        name="a setting that no line hides",
        breaks="a password inside a URL of the settings stands in the log",
        file="schemas/known_secrets.py",
        old="            case str():\n                yield from _passwords_in(value)\n",
        new="",
        checks=("tests/unit/test_log_redaction.py",),
    ),
    Mutant(
        name="a traceback with whole messages",
        breaks="the log quotes the row that PostgreSQL refused",
        file="schemas/tracebacks.py",
        old='str(error).partition("\\n")[0][:_LONGEST_MESSAGE]',
        new="str(error)",
        checks=("tests/unit/test_tracebacks.py",),
    ),
    Mutant(
        name="Flower shows the text of a refusal",
        breaks="Flower quotes what a customer wrote into a wrong field",
        file="intake/redis/operations.py",
        old='    return told | {"error": error.get("code")} if isinstance(error, dict) else told\n',
        new='    return told | {"error": error} if isinstance(error, dict) else told\n',
        checks=("tests/integration/intake/test_redis_serving.py", "tests/e2e/test_secrets.py"),
    ),
)
