import socket
from pathlib import Path

import pytest

from stack.errors import PortTaken
from stack.ports import FREE_PORTS, KeptPorts, check_free, free_port


def test_free_ports_differ_and_can_be_listened_on() -> None:
    ports = [free_port() for _ in range(50)]

    assert len(set(ports)) == 50
    assert all(port in FREE_PORTS for port in ports)
    with socket.create_server(("127.0.0.1", ports[0])):
        pass


def test_a_taken_port_names_its_owner_and_the_setting_to_change() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        with pytest.raises(PortTaken) as caught:
            check_free(port, host="127.0.0.1", owner="the gateway", setting="REELWORKS_GATEWAY_PORT")

    assert str(caught.value) == (
        f"Port {port} is in use, and the gateway wants it: stop what holds it or set REELWORKS_GATEWAY_PORT to another"
    )


def test_a_port_taken_on_all_addresses_is_taken_on_loopback() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server, pytest.raises(PortTaken):
        check_free(server.getsockname()[1], host="127.0.0.1", owner="Flower", setting="REELWORKS_FLOWER_PORT")


def test_an_address_that_is_not_ours_says_so() -> None:
    with pytest.raises(PortTaken) as caught:
        check_free(8080, host="192.0.2.1", owner="the gateway", setting="REELWORKS_GATEWAY_PORT")

    assert "on 192.0.2.1 cannot be opened for the gateway" in str(caught.value)


def test_a_port_is_free_again_right_after_its_last_connection() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as server:
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = server.accept()
        accepted.close()  # the server's side closes first, so its port lingers in TIME_WAIT
        client.close()

    check_free(port, host="127.0.0.1", owner="the gateway", setting="REELWORKS_GATEWAY_PORT")


def test_a_port_is_the_same_at_each_start_unless_another_program_has_it(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    first = {name: KeptPorts(path).get(name) for name in ("postgres", "redis")}
    assert {name: KeptPorts(path).get(name) for name in first} == first

    with socket.create_server(("127.0.0.1", first["redis"])):
        moved = KeptPorts(path).get("redis")
        assert moved != first["redis"]
    assert KeptPorts(path).get("redis") == moved
    assert KeptPorts(path).get("postgres") == first["postgres"]


@pytest.mark.parametrize("content", ["", "[]", '{"redis": "x"}', '{"redis": 80}', '{"redis": 99999}'])
def test_kept_ports_that_cannot_be_used_are_chosen_anew(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ports.json"
    path.write_text(content)
    port = KeptPorts(path).get("redis")
    assert port in FREE_PORTS
    assert KeptPorts(path).get("redis") == port
