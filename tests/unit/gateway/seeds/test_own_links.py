"""The ways in which a request names a video of ours."""

import pytest

from gateway.seeds.own_links import own_video

ID = "3e41a28d-5bf9-40ce-a038-dc975dda27ad"
ORIGINS = ["https://api.example", "http://127.0.0.1:8000"]


@pytest.mark.parametrize(
    "address",
    [
        ID,
        ID.upper(),
        f"generation:{ID}",
        f"/video/{ID}",
        f"/video/{ID}/download",
        f"/video/{ID}?customer_id=123",
        f"/api/video/{ID}",
        f"https://api.example/video/{ID}",
        f"HTTPS://API.example:443/video/{ID}/download?customer_id=a%20b",
        f"http://127.0.0.1:8000/video/{ID}?customer_id=123#end",
    ],
)
def test_an_id_a_path_and_a_url_of_ours_name_the_generation(address: str) -> None:
    assert own_video(address, ORIGINS) == f"generation:{ID}"


@pytest.mark.parametrize(
    "address",
    [
        f"https://cdn.other.example/video/{ID}",
        f"//cdn.other.example/video/{ID}",
        f"http://api.example/video/{ID}",
        f"https://api.example:8443/video/{ID}",
        f"https://api.example.other.example/video/{ID}",
        f"https://api.example@other.example/video/{ID}",
        f"https://api.example/videos/{ID}",
        f"https://api.example/more/video/{ID}",
        f"https://api.example/video/{ID}.mp4",
        f"https://other.example/?path=/video/{ID}",
        f"https://[other/video/{ID}",
        f"https://other.example:port/video/{ID}",
        f"upload:{ID}",
        f"data:video/mp4;base64,/video/{ID}",
        "no address",
    ],
)
def test_every_other_address_stays_as_it_is(address: str) -> None:
    assert own_video(address, ORIGINS) == address
