"""No line of a process holds a secret: of the settings, of a customer's work, or of the form of a secret."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from schemas.known_secrets import secrets_of
from schemas.log_redaction import Redaction, hidden, texts_in
from schemas.setting_groups import ProviderSettings, S3Settings
from tests.support import clean_settings

PLANTED = {
    "REELWORKS_DATABASE_URL": "postgresql://app:planted-database-password@127.0.0.1:1/reelworks",
    "REELWORKS_REDIS_URL": "redis://:planted-redis-password@127.0.0.1:1/0",
    "REELWORKS_S3__SECRET_KEY": "planted-s3-secret-key",
    "REELWORKS_SECRET_KEY": "planted-signing-secret-key",
    "REELWORKS_FLOWER_BASIC_AUTH": "ops:planted-flower-password",
    "REELWORKS_PROVIDERS__KIE__API_KEY": "planted-kie-api-key",
    "REELWORKS_PROVIDERS__KIE__WEBHOOK_KEY": "planted-kie-webhook-key",
    "REELWORKS_PROVIDERS__KIE__BASE_URL": "http://user:planted-base-url-password@127.0.0.1:1",
    "REELWORKS_PROVIDERS__KLING_LEGACY__OPTIONS": json.dumps({"secret_key": "planted-option-secret"}),
    "REELWORKS_CDN__BASE_URL": "https://cdn.example",
    "REELWORKS_CDN__SECRET": "planted-cdn-secret-of-at-least-32-characters",
    "REELWORKS_TEST_KEYS__API_KEY": "planted-test-key",
    "FLOWER_OAUTH2_SECRET": "planted-oauth-secret",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20planted-collector-key,tenant=t",
}
SECRETS = [
    *("planted-database-password", "planted-redis-password", "planted-s3-secret-key", "planted-signing-secret-key"),
    *("planted-flower-password", "planted-kie-api-key", "planted-kie-webhook-key", "planted-base-url-password"),
    *("planted-option-secret", "planted-cdn-secret-of-at-least-32-characters", "planted-test-key"),
    *("planted-oauth-secret", "planted-collector-key"),
]
PROMPT = "planted prompt: a red fox\nthat jumps over «the lazy dog»"

# A process that writes every secret in every way in which a process can write.
WRITES = """
import asyncio, json, logging, sys, threading, warnings
import structlog
from schemas.log_redaction import hidden
from schemas.logs import configure_logging
from schemas.settings import Settings
configure_logging(Settings(_env_file=None))
log = structlog.get_logger("tasks.stage")
secrets, prompt = json.loads(sys.argv[1])
structlog.contextvars.bind_contextvars(generation_id="1", **hidden(lambda: [prompt]))
for secret in [*secrets, prompt]:
    log.warning("field", reason=f"the vendor says: {secret}!")
    log.warning("nested", answer={"list": [{"text": secret}], "tuple": (secret,)})
    log.warning("named", vendor_secret="anything", headers={"Authorization": "anything"})
    logging.getLogger("a.library").warning("library says %s", secret)
    logging.getLogger("celery").error("celery says %r", {"kwargs": secret})
    try:
        try:
            raise KeyError(secret)
        except KeyError as error:
            raise ValueError(f"cannot read {secret}\\nDETAIL: Failing row contains ({secret})") from error
    except ValueError as error:
        log.exception("stage_crashed")
        logging.getLogger("a.library").exception("library crashed")
        failed = error
    log.error("grouped", exc_info=ExceptionGroup("several", [failed]))
    warnings.warn(f"deprecated {secret}", stacklevel=1)

async def lose():
    asyncio.get_running_loop().call_exception_handler({"message": "lost", "exception": failed})

asyncio.run(lose())

class Bad:
    def __del__(self):
        raise ValueError(secrets[0])

Bad()
thread = threading.Thread(target=lambda: [][secrets[0]] if 0 else exec("raise ValueError(secrets[0])"), name="a thread")
thread.start()
thread.join()
raise ValueError(secrets[0])
"""


def written(tmp_path: Path, log_format: str) -> str:
    """All output of a process that has the planted settings."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("REELWORKS_", "FLOWER_", "OTEL_"))
    }
    done = subprocess.run(
        [sys.executable, "-c", WRITES, json.dumps([SECRETS, PROMPT])],
        env={**kept, **PLANTED, "REELWORKS_LOG_FORMAT": log_format},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
    assert "error_ignored" in done.stderr, done.stderr
    assert "thread_crashed" in done.stderr
    assert "process_crashed" in done.stderr
    return done.stderr


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_way_of_writing_lets_a_secret_or_a_prompt_out(tmp_path: Path, log_format: str) -> None:
    output = written(tmp_path, log_format)

    assert [secret for secret in SECRETS if secret in output] == []
    assert "planted" not in output
    assert [word for word in ("red fox", "lazy dog") if word in output] == []
    assert "anything" not in output
    # The rest of each line is there.
    for kept in ("the vendor says", "library says", "KeyError", "ValueError: cannot read", "ExceptionGroup"):
        assert kept in output


def test_every_line_of_a_process_is_one_json_document(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in written(tmp_path, "json").splitlines()]

    assert {line["level"] for line in lines} == {"warning", "error", "critical"}
    assert {"py.warnings", "asyncio", "a.library", "tasks.stage"} <= {line["logger"] for line in lines}
    assert all("_texts" not in line for line in lines)


def shown(value: object, *secrets: str) -> object:
    return Redaction(secrets)(None, "info", {"event": "an_event", "value": value})["value"]


@pytest.mark.parametrize(
    "form",
    [
        str.upper,
        lambda secret: base64.b64encode(secret.encode()).decode(),
        lambda secret: base64.b64encode(f"user:{secret}".encode()).decode(),
        lambda secret: quote(secret, safe=""),
        json.dumps,
        repr,
        lambda secret: secret[4:],
    ],
)
def test_secret_is_removed_in_every_form(form: Callable[[str], str]) -> None:
    secret = "sk/9f+aB31-c0ffee/4d2e"
    text = f"refused {form(secret)} as wrong"
    told = str(shown(text, secret))
    assert len(told.replace("[…]", "")) < len("refused  as wrong") + 12


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET /tasks?search=a+red+fox HTTP/1.1", "GET /tasks?[…] HTTP/1.1"),
        ("see https://s3.example/b/k.png?X-Amz-Signature=1f, please", "see https://s3.example/[…] please"),
        ("redis://:hunter2@redis:6379/0 is away", "redis://redis:6379/[…] is away"),
        ("running on http://127.0.0.1:8080 (Press CTRL+C)", "running on http://127.0.0.1:8080 (Press CTRL+C)"),
        (f"the key rw_{'aB3-' * 10}xyz is unknown", "the key rw_[…] is unknown"),
        (f"the key rw_test_{'aB3-' * 10}xyz", "the key rw_test_[…]"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw signs", "whsec_[…] signs"),
        ("Bearer abcdefghijklmnopqrst", "Bearer […]"),
        ("bearer abcdefghijklmnop1qrs", "bearer […]"),
        ("key generations_wake_at_not_null_check", "key generations_wake_at_not_null_check"),
        ("Key (customer_id)=(17) is there", "Key (customer_id)=(17) is there"),
        ("postgresql://u:p/w@host:5432/db is away", "postgresql://[…]/[…] is away"),
        ("postgresql://u:123/w@host", "postgresql://[…]/[…]"),
        ("postgresql://u:p@ss@host/db", "postgresql://host/[…]"),
        (r"http:\/\/u:p@host\/path", r"http:\/\/host\/[…]"),
        ("connects to http://127.0.0.1:8080: refused", "connects to http://127.0.0.1:8080: refused"),
        ("http://[::1]:8080/a/b, http://[::1]:80", "http://[::1]:8080/[…] http://[::1]:80"),
        ("https://cdn.example/npm/x@5/y", "https://cdn.example/[…]"),
        ("host=db password=hunter2 user=u", "host=db password=[…] user=u"),
        ("f(api_key='hunter2', user=u)", "f(api_key='[…]', user=u)"),
        ("a&X-Amz-Signature=1f2e&x=1", "a&X-Amz-Signature=[…]&x=1"),
        ('{"api_key": "hunter2", "user": "u"}', '{"api_key": "[…]", "user": "u"}'),
        ("max_tokens=100 cache_key=styles", "max_tokens=100 cache_key=styles"),
        ("Authorization: Basic b3BzOnBhc3N3b3JkMTIz", "Authorization: Basic […]"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJrIn0.c2ln", "token […]"),
        ("data:image/png;base64,iVBORw0KGgo=", "data:image/png;base64,[…]"),
        (f"callbacks%2Fkie%2F1%3Ft%3D{'aB-_' * 10}abc", "[…]"),
        ("a %3Fb%3Dsecret c", "a […] c"),
        (f"the token {'aB-_' * 10}abc is wrong", "the token […] is wrong"),
        (f"Cookie: reelworks_session={'aB-_' * 10}abc; theme=dark", "Cookie: reelworks_session=[…]; theme=dark"),
        (f"X-CSRF-Token: {'aB-_' * 10}abc", "X-CSRF-Token: […]"),
        ("e0065577-9f55-4781-8fcf-7f5e2a9509a6", "e0065577-9f55-4781-8fcf-7f5e2a9509a6"),
        ("customers/1f0c/2a.png", "customers/1f0c/2a.png"),
        ("what? a=b", "what? a=b"),
        ("kie gave no answer to submit (ConnectError)", "kie gave no answer to submit (ConnectError)"),
    ],
)
def test_what_has_the_form_of_a_secret_is_removed_and_the_rest_stays(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize("secret", ["a-long-secret-of-the-settings", "rw_" + "aB3x" * 10 + "xyz"])
@pytest.mark.parametrize("shown_characters", range(1, 29, 3))
def test_cut_of_a_long_value_leaves_no_half_of_a_secret(secret: str, shown_characters: int) -> None:
    words = "word " * 4000
    told = str(shown(words[: 16_384 - shown_characters - 1] + " " + secret + words, "a-long-secret-of-the-settings"))

    assert told.endswith(" …")
    assert set(told.split()) <= {"word", "wor", "wo", "w", "…"}


def test_long_value_without_spaces_goes() -> None:
    assert shown("x" * 20_000) == "…"


def test_numbers_and_other_values_stay() -> None:
    assert shown({"count": 3, "seconds": 0.5, "is_new": True, "none": None}) == {
        "count": 3, "seconds": 0.5, "is_new": True, "none": None,
    }  # fmt: skip


def test_texts_that_cannot_be_read_hide_the_whole_value() -> None:
    def unreadable() -> list[str]:
        raise ValueError("the order is damaged")

    line = {"event": "an_event", "value": "some text of a vendor", **hidden(unreadable)}
    assert Redaction(())(None, "info", line)["value"] == "[…]"


class Prompt:
    """A customer's prompt of 20,000 characters, which counts its readers."""

    def __init__(self) -> None:
        self.text = " ".join(f"fox{number}" for number in range(3000))[:20_000]
        self.readers = 0

    def __call__(self) -> list[str]:
        self.readers += 1
        return [self.text]


def test_texts_are_read_once_for_all_lines_of_a_claim() -> None:
    prompt = Prompt()
    context = hidden(prompt)
    write = Redaction(())
    for start in range(0, 19_000, 1_000):
        line = write(None, "info", {"event": "an_event", "value": f"<{prompt.text[start : start + 40]}>", **context})
        assert line["value"] == "<[…]>"
    encoded = base64.b64encode(prompt.text[:60].encode()).decode()
    assert len(str(write(None, "info", {"event": "an_event", "value": encoded, **context})["value"])) < 12
    assert prompt.readers == 1


def test_ids_and_names_of_the_code_need_no_texts() -> None:
    prompt = Prompt()
    fields = {
        "task": "generation.submit",
        "request_id": "d0f350f456154b50b51b502e3b9cd2fa",
        "customer_id": "e0065577-9f55-4781-8fcf-7f5e2a9509a6",
        "code": "provider_refused",
        "error": "ConnectError",
    }
    line = {"event": "an_event", "_from_structlog": True, **fields, **hidden(prompt)}
    assert fields.items() <= Redaction(())(None, "info", line).items()
    assert prompt.readers == 0


def test_id_of_a_strangers_form_is_searched() -> None:
    prompt = Prompt()
    line = {"event": "an_event", "_from_structlog": True, "request_id": prompt.text[:30], **hidden(prompt)}
    assert Redaction(())(None, "info", line)["request_id"] == "[…]"


def test_texts_of_a_document_are_found_at_every_depth() -> None:
    document: Mapping[str, object] = {"a": "one", "b": [{"c": "two"}, 3, None], "d": {"e": {"f": ["three"]}}}
    assert list(texts_in(document)) == ["one", "two", "three"]


def test_secrets_of_the_settings_are_found_wherever_they_stand() -> None:
    account = ProviderSettings(
        api_key=SecretStr("the-api-key-1"),
        also_accepted_webhook_key=SecretStr("the-other-hook"),
        base_url="https://u:base%2Dpassword@host/",
        options={"secret_key": SecretStr("an-option-key"), "region": SecretStr("us-central1-a")},
    )
    settings = clean_settings()
    settings = settings.model_copy(
        update={
            "s3": S3Settings(secret_key=SecretStr("the-s3-secret")),
            "database_url": "postgresql://u:p%40ssword-1@h/d",
            "flower_basic_auth": SecretStr("ops:the-flower-login"),
            "also_accepted_secret_keys": [SecretStr("the-earlier-key")],
            "providers": settings.providers.with_accounts(kie=account),
        }
    )
    found = secrets_of(settings)
    assert {
        *("the-api-key-1", "base%2Dpassword", "base-password", "an-option-key", "the-s3-secret", "p@ssword-1"),
        *("the-flower-login", "the-earlier-key", "the-other-hook"),
    } <= found
    assert not {"us-central1-a", "sandbox", ""} & found


def test_collectors_key_in_the_settings_file_is_known_before_opentelemetry_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("OTEL_EXPORTER_OTLP_HEADERS=api-key=planted-collector-key\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_HEADERS", raising=False)

    assert "planted-collector-key" in secrets_of(clean_settings())
