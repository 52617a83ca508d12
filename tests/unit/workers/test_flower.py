import pytest
from pydantic import SecretStr

from tests.support import clean_settings
from workers.flower import flower_arguments


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "ops.example.com"])
def test_flower_is_not_shown_to_others_without_a_login(host: str) -> None:
    open_to_all = clean_settings().model_copy(update={"flower_host": host})
    with pytest.raises(ValueError, match="REELWORKS_FLOWER_BASIC_AUTH"):
        flower_arguments(open_to_all)
    behind_a_login = open_to_all.model_copy(update={"flower_basic_auth": SecretStr("ops:password")})
    assert "--basic-auth=ops:password" in flower_arguments(behind_a_login)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_this_machine_flower_needs_none(host: str) -> None:
    settings = clean_settings().model_copy(update={"flower_host": host})
    assert f"--address={host}" in flower_arguments(settings)
