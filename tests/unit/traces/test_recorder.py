"""The recorder follows OpenTelemetry's variables, and the settings refuse what cannot work."""

import importlib.util

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from pydantic import ValidationError

from schemas.trace_context import TraceContext
from schemas.trace_settings import TraceSettings
from traces.names import SpanKind
from traces.recorder import SdkRecorder, provider_for

CALLER = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", is_sampled=True)


def test_a_process_is_named_by_its_role_unless_a_variable_names_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = provider_for("provider2", "provider").resource.attributes
    assert (ours["service.name"], ours["service.namespace"]) == ("reelworks-provider", "reelworks")
    assert str(ours["service.instance.id"]).startswith("provider2#")

    monkeypatch.setenv("OTEL_SERVICE_NAME", "media")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=shop,deployment.environment.name=test")
    theirs = provider_for("provider2", "provider").resource.attributes
    assert (theirs["service.name"], theirs["service.namespace"]) == ("media", "shop")
    assert theirs["deployment.environment.name"] == "test"


def test_the_sampler_is_the_one_of_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    assert provider_for("gateway", "gateway").sampler is ALWAYS_OFF


def test_opentelemetrys_own_switch_leaves_work_in_the_callers_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    recorder = SdkRecorder(provider_for("gateway", "gateway"))

    for parent in (CALLER, None):
        span = recorder.begin("POST", SpanKind.SERVER, {}, parent=parent, links=(), began_at=1.0, span_id=None)
        span.end()
        assert span.context == parent


def test_the_switch_names_the_extra_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(name: str) -> object:
        if name.startswith("opentelemetry.exporter"):
            raise ModuleNotFoundError(name)
        return object()

    monkeypatch.setattr("schemas.trace_settings.find_spec", found)
    assert not TraceSettings().enabled
    with pytest.raises(ValidationError, match=r"pip install 'reelworks\[otel\]'"):
        TraceSettings(enabled=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_TRACES_EXPORTER", "zipkin,otlp")],
)
def test_the_switch_refuses_another_way_out(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert importlib.util.find_spec("opentelemetry.sdk") is not None
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=f"{name} must be"):
        TraceSettings(enabled=True)
