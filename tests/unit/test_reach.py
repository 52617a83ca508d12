import pytest

from schemas.reach import Reach, connectable, reach_of


@pytest.mark.parametrize(
    ("url", "reach"),
    [
        ("http://127.0.0.1:8080", Reach.MACHINE),
        ("http://127.8.8.8", Reach.MACHINE),
        ("http://[::1]:8080", Reach.MACHINE),
        ("http://0.0.0.0:8080", Reach.MACHINE),
        ("http://localhost:8080", Reach.MACHINE),
        ("http://reelworks.localhost", Reach.MACHINE),
        ("http://10.1.2.3", Reach.NETWORK),
        ("http://192.168.1.7:8080", Reach.NETWORK),
        ("http://100.64.0.1", Reach.NETWORK),
        ("http://169.254.1.1", Reach.NETWORK),
        ("http://[fd00::1]", Reach.NETWORK),
        ("http://gateway:8080", Reach.NETWORK),
        ("http://films.internal", Reach.NETWORK),
        ("https://8.8.8.8", Reach.INTERNET),
        ("https://[2606:4700::1111]/path", Reach.INTERNET),
        ("https://api.example.com", Reach.INTERNET),
        ("https://api.example.com.", Reach.INTERNET),
        ("http://[::1", Reach.INTERNET),
    ],
)
def test_the_host_of_a_url_tells_from_where_it_is_reached(url: str, reach: Reach) -> None:
    assert reach_of(url) is reach


@pytest.mark.parametrize(
    ("host", "shown"),
    [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("fd00::1", "[fd00::1]"), ("10.1.2.3", "10.1.2.3")],
)
def test_a_client_connects_to_loopback_where_a_server_listens_on_all_addresses(host: str, shown: str) -> None:
    assert connectable(host) == shown
