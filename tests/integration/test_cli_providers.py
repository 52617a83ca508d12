"""The commands for vendors: the catalogue and the check of accounts."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from cli.console import console
from providers.catalogue import CatalogueFile
from providers.registry import adapter_names
from sandbox.vendors import options
from stack.ports import free_port
from tests.integration.command import run
from tests.sandbox.harness import KEY, PATIENCE_SECONDS, WEBHOOK_SECRET, start_sandbox

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def vendors() -> Iterator[str]:
    """The address of a sandbox."""
    port = free_port()
    process = start_sandbox(port)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.communicate(timeout=PATIENCE_SECONDS)


@pytest.fixture
def reelworks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command with only the given variables. Returns the exit code and both outputs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(console, "width", 200)

    def run_it(*arguments: str, **environment: str) -> tuple[int, str, str]:
        ended = run(arguments, environment, monkeypatch, capsys)
        structlog.reset_defaults()
        return ended.status, ended.out, ended.err

    return run_it


def account(name: str, url: str, *, key: str = KEY, **more: str) -> dict[str, str]:
    prefix = f"REELWORKS_PROVIDERS__{name.upper()}__"
    adapter = more.pop("ADAPTER", name)
    base_url = f"{url}/{adapter}"
    given = {"API_KEY": key, "BASE_URL": base_url, "OPTIONS": json.dumps(options(adapter, base_url)), **more}
    return {prefix + field: value for field, value in given.items()}


def test_catalogue_shows_every_model_with_its_price(reelworks: Run) -> None:
    status, out, _ = reelworks("models")
    assert status == 0
    assert [model.name for model in CatalogueFile.shipped().models if model.name not in out] == []
    assert "per second" in out
    assert "No account has an API key here: set REELWORKS_PROVIDERS__KIE__API_KEY" in out


def test_catalogue_names_the_successor_of_a_retired_model(reelworks: Run) -> None:
    _, out, _ = reelworks("models")
    for retired in CatalogueFile.shipped().retired:
        assert f"order {retired.successor}" in " ".join(out.split())


def test_good_accounts_pass_and_show_their_credits(reelworks: Run, vendors: str) -> None:
    given = {name: value for adapter in adapter_names() for name, value in account(adapter, vendors).items()}
    status, out, _ = reelworks("providers", "check", "--json", **given)
    found: list[dict[str, Any]] = json.loads(out)
    assert status == 0
    assert {verdict["name"]: verdict["says"] for verdict in found} == dict.fromkeys(adapter_names(), "ok")
    (kie,) = (verdict for verdict in found if verdict["name"] == "kie")
    assert kie["credits"] > 0
    assert "nano-banana" in kie["models"]


@pytest.mark.parametrize("adapter", sorted(adapter_names()))
def test_check_finds_a_wrong_key(reelworks: Run, vendors: str, adapter: str) -> None:
    status, out, _ = reelworks("providers", "check", adapter, **account(adapter, vendors, key="wrong"))
    assert status == 1
    assert adapter in out
    assert "ok" not in out
    assert "wrong" not in out


def test_check_finds_a_wrong_address(reelworks: Run) -> None:
    status, out, _ = reelworks("providers", "check", **account("kie", "http://127.0.0.1:1"))
    assert status == 1
    assert "kie" in out


def test_check_finds_the_webhook_key_of_another_account_if_the_vendor_tells(reelworks: Run, vendors: str) -> None:
    good = account("replicate", vendors, WEBHOOK_KEY=WEBHOOK_SECRET)
    assert reelworks("providers", "check", **good)[0] == 0
    status, out, _ = reelworks(
        "providers", "check", **{**good, "REELWORKS_PROVIDERS__REPLICATE__WEBHOOK_KEY": "whsec_eA=="}
    )
    assert status == 1
    assert "webhook" in out


def test_check_of_one_account_asks_no_other(reelworks: Run, vendors: str) -> None:
    given = {**account("kie", vendors), **account("kling", vendors, key="wrong")}
    status, out, _ = reelworks("providers", "check", "kie", **given)
    assert status == 0
    assert "kling " not in out


@pytest.mark.parametrize(
    ("arguments", "environment", "status", "said"),
    [
        ([], {}, 2, "no account is configured: set REELWORKS_PROVIDERS__KIE__API_KEY"),
        (["fal"], {}, 1, "set REELWORKS_PROVIDERS__FAL__API_KEY"),
        ([], {"REELWORKS_PROVIDERS__KEI__API_KEY": "x"}, 1, "set REELWORKS_PROVIDERS__KEI__ADAPTER to one of"),
        (
            [],
            {"REELWORKS_PROVIDERS__OPENAI_VIDEOS__API_KEY": "x"},
            1,
            "set REELWORKS_PROVIDERS__OPENAI_VIDEOS__BASE_URL",
        ),
    ],
)
def test_error_names_the_missing_setting(
    reelworks: Run, arguments: list[str], environment: dict[str, str], status: int, said: str
) -> None:
    ended, out, err = reelworks("providers", "check", *arguments, **environment)
    assert ended == status
    assert said in " ".join((out + err).split())


def shown(reelworks: Run, *options: str, **environment: str) -> list[dict[str, Any]]:
    """The models in the JSON output."""
    status, out, err = reelworks("models", "--json", *options, **environment)
    assert (status, err) == (0, "")
    models: list[dict[str, Any]] = json.loads(out)
    return models


def test_json_holds_the_whole_catalogue(reelworks: Run) -> None:
    catalogue = CatalogueFile.shipped()
    every = shown(reelworks)
    assert [model["name"] for model in every] == [model.name for model in (*catalogue.models, *catalogue.retired)]
    assert {model["available"] for model in every} == {False}
    (banana,) = (model for model in every if model["name"] == "nano-banana")
    assert (banana["kind"], banana["price"]["per"], banana["routes"][0]["provider"]) == ("image", "image", "kie")


def test_models_are_filtered_by_name_kind_and_account(reelworks: Run) -> None:
    assert {"nano-banana", "nano-banana-pro"} <= {model["name"] for model in shown(reelworks, "Banana")}
    assert all("banana" in model["name"] for model in shown(reelworks, "Banana"))
    assert [model["name"] for model in shown(reelworks, "google/nano-banana-pro")] == ["nano-banana-pro"]
    assert {model["kind"] for model in shown(reelworks, "--kind", "video")} == {"video"}
    served = shown(reelworks, "--provider", "runway")
    assert served
    assert all("runway" in {route["provider"] for route in model["routes"]} for model in served)
    assert shown(reelworks, "Banana", "--kind", "video") == []


def test_available_models_have_an_account_with_a_key(reelworks: Run) -> None:
    assert shown(reelworks, "--available") == []
    available = shown(reelworks, "--available", REELWORKS_PROVIDERS__KIE__API_KEY="x")
    assert available
    assert all(model["available"] and "kie" in str(model["routes"]) for model in available)


def test_filter_without_a_match_is_an_error(reelworks: Run) -> None:
    status, out, err = reelworks("models", "no-such-model")
    assert (status, out) == (1, "")
    assert "no model of the catalogue is like that" in err


def test_lint_compares_the_prices_with_the_vendors(reelworks: Run) -> None:
    status, out, err = reelworks("models", "lint")
    assert (status, err) == (0, "")
    assert "no route costs more than it earns" in out
    told = json.loads(reelworks("models", "lint", "--json")[1])
    assert (told["losses"], set(told)) == ([], {"losses", "notices", "without_cost"})


def test_models_without_a_command_lists_them(reelworks: Run) -> None:
    assert reelworks("models", "list", "Banana", "--json") == reelworks("models", "Banana", "--json")


LOOPBACK = {"REELWORKS_DOWNLOADS__ALLOWED_PRIVATE_NETWORKS": '["127.0.0.0/8"]'}


@pytest.mark.parametrize("adapter", ["kie", "fal", "openai_images"])
def test_a_trial_orders_once_and_tells_price_file_and_time(
    reelworks: Run, vendors: str, tmp_path: Path, adapter: str
) -> None:
    given = account(adapter, vendors) | LOOPBACK

    status, out, err = reelworks("providers", "try", adapter, "--yes", "--folder", str(tmp_path / "files"), **given)

    assert (status, err) == (0, "")
    (file,) = (tmp_path / "files").iterdir()
    assert file.stat().st_size > 0
    assert "credits" in out.partition("\n")[0]
    assert f"{file}: " in out
    assert f"{file.stat().st_size} bytes, after" in out


def test_a_trial_without_a_key_is_refused(reelworks: Run) -> None:
    status, _, err = reelworks("providers", "try", "kie", "--yes", **account("fal", "http://127.0.0.1:1"))

    assert (status, "REELWORKS_PROVIDERS__KIE__API_KEY" in err) == (2, True)


def test_a_trial_asks_first(reelworks: Run, vendors: str, tmp_path: Path) -> None:
    status, out, err = reelworks(
        "providers", "try", "kie", "--folder", str(tmp_path / "files"), **account("kie", vendors)
    )

    assert status == 2
    assert "Our price is" in out
    assert "--yes" in err
    assert not (tmp_path / "files").exists()


def test_a_trial_with_a_wrong_key_tells_the_reason(reelworks: Run, vendors: str) -> None:
    given = account("kie", vendors, key="wrong") | LOOPBACK
    status, _, err = reelworks("providers", "try", "kie", "--yes", **given)

    assert (status, bool(err.strip())) == (1, True)


def test_a_trial_of_an_unknown_model_is_refused(reelworks: Run, vendors: str) -> None:
    status, _, err = reelworks("providers", "try", "kie", "--yes", "--model", "no-such", **account("kie", vendors))

    assert status == 1
    assert "no-such" in err
