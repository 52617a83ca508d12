import socket
from pathlib import Path

import pytest

from stack import ports
from stack.errors import PortTaken
from stack.ports import FREE_PORTS, KeptPorts, check_free, free_port


def test_free_ports_differ_and_accept_a_server() -> None:
    chosen = [free_port() for _ in range(50)]

    assert len(set(chosen)) == 50
    assert all(port in FREE_PORTS for port in chosen)
    with socket.create_server(("127.0.0.1", chosen[0])):
        pass


def test_shares_have_no_port_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_chosen", ports._chosen[:])
    chosen = []
    for number in range(3):
        ports.take_share(number, of=3)
        chosen.append({free_port() for _ in range(200)})
    assert len(set().union(*chosen)) == 600


def test_error_for_a_taken_port_names_the_part_and_the_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        with pytest.raises(PortTaken) as caught:
            check_free(port, host="127.0.0.1", owner="the gateway", setting="REELWORKS_GATEWAY_PORT")

    assert str(caught.value) == (
        f"Port {port} is in use, and the gateway wants it: stop what holds it or set REELWORKS_GATEWAY_PORT to another"
    )


def test_port_that_is_taken_on_all_addresses_is_taken_on_loopback() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server, pytest.raises(PortTaken):
        check_free(server.getsockname()[1], host="127.0.0.1", owner="Flower", setting="REELWORKS_FLOWER_PORT")


def test_error_names_an_address_of_another_machine() -> None:
    with pytest.raises(PortTaken) as caught:
        check_free(8080, host="192.0.2.1", owner="the gateway", setting="REELWORKS_GATEWAY_PORT")

    assert "on 192.0.2.1 cannot be opened for the gateway" in str(caught.value)


def test_port_is_free_again_right_after_its_last_connection() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as server:
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = server.accept()
        accepted.close()  # the server closes first, so its port stays in TIME_WAIT
        client.close()

    check_free(port, host="127.0.0.1", owner="the gateway", setting="REELWORKS_GATEWAY_PORT")


def test_service_keeps_its_port_unless_another_program_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    first = {name: KeptPorts(path).get(name) for name in ("postgres", "redis")}
    assert {name: KeptPorts(path).get(name) for name in first} == first

    with socket.create_server(("127.0.0.1", first["redis"])):
        moved = KeptPorts(path).get("redis")
        assert moved != first["redis"]
    assert KeptPorts(path).get("redis") == moved
    assert KeptPorts(path).get("postgres") == first["postgres"]


@pytest.mark.parametrize("content", ["", "[]", '{"redis": "x"}', '{"redis": 80}', '{"redis": 99999}'])
def test_unusable_kept_ports_are_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ports.json"
    path.write_text(content)
    port = KeptPorts(path).get("redis")
    assert port in FREE_PORTS
    assert KeptPorts(path).get("redis") == port
