"""Measures the sandbox alone: how many generations a second it delivers to a minimal client."""

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from bench.figures.results import GENERATIONS, Measure, Outcome
from bench.instruments.meter import Meter
from bench.running_stack import SANDBOX, RunningStack, process_ids

SUBJECT = "the sandbox alone"
_CLIENTS = 4
_SUCCESS = "success"


def sandbox_alone(shared: RunningStack, count: int) -> Outcome:
    """Make `count` generations: create, read until done, download. Without callbacks, over kept connections."""
    shares = [count // _CLIENTS + (number < count % _CLIENTS) for number in range(_CLIENTS)]
    with Meter({SANDBOX: process_ids(shared.stack)[SANDBOX]}) as meter, ThreadPoolExecutor(_CLIENTS) as pool:
        began = time.perf_counter()
        list(pool.map(lambda share: _make(shared, share), shares))
        seconds = time.perf_counter() - began
    return Outcome(
        scenario="throughput",
        case="create, read, download",
        subject=SUBJECT,
        measures=[
            Measure(what="finished", unit="1/s", values=[count / seconds]),
            Measure(what="accepted", unit="1/s", values=[count / seconds]),
            Measure(what=GENERATIONS, unit="", values=[count]),
        ],
        parts=meter.use(),
    )


def _make(shared: RunningStack, count: int) -> None:
    account = shared.stack.settings.providers.named("kie")
    url = urlsplit(account.base_url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=30)
    headers = {"Authorization": f"Bearer {account.api_key.get_secret_value()}", "Content-Type": "application/json"}
    order = json.dumps({"model": "google/nano-banana", "input": {"prompt": "a lighthouse in fog"}})
    for _ in range(count):
        created = _call(connection, "POST", f"{url.path}/api/v1/jobs/createTask", headers, order)
        status = f"{url.path}/api/v1/jobs/recordInfo?taskId={created['taskId']}"
        while (record := _call(connection, "GET", status, headers))["state"] != _SUCCESS:
            time.sleep(0.005)
        for result in json.loads(str(record["resultJson"]))["resultUrls"]:
            connection.request("GET", urlsplit(result).path)
            connection.getresponse().read()
    connection.close()


def _call(
    connection: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str], body: str | None = None
) -> dict[str, object]:
    connection.request(method, path, body, headers)
    answer = json.loads(connection.getresponse().read())
    if answer["code"] != http.client.OK:
        raise RuntimeError(f"the sandbox refused: {answer['msg']}")
    data: dict[str, object] = answer["data"]
    return data
