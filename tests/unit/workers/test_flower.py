import pytest
from pydantic import SecretStr

from schemas.errors import InvalidSettings
from tests.support import clean_settings
from workers.flower import flower_arguments


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "ops.example.com"])
def test_flower_refuses_a_public_address_without_a_login(host: str) -> None:
    open_to_all = clean_settings().model_copy(update={"flower_host": host})
    with pytest.raises(InvalidSettings, match="REELWORKS_FLOWER_BASIC_AUTH"):
        flower_arguments(open_to_all)
    behind_a_login = open_to_all.model_copy(update={"flower_basic_auth": SecretStr("ops:password")})
    assert "--basic-auth=ops:password" in flower_arguments(behind_a_login)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_flower_on_loopback_needs_no_login(host: str) -> None:
    settings = clean_settings().model_copy(update={"flower_host": host})
    assert f"--address={host}" in flower_arguments(settings)
