"""What a technician may say of an OPC UA server, and what is refused before anything is touched."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from drivers.opcua.settings import OpcuaSettings

WORKS = {"name": "works", "protocol": "opcua", "url": "opc.tcp://192.0.2.20:4840"}
OURS = {"cert_file": "ours.der", "key_file": "ours.pem", "trust_dir": "trusted"}
SECURED: dict[str, Any] = {"security": "Basic256Sha256", **OURS}


def refusal(context: Any = None, **keys: object) -> tuple[str, ...]:
    """The key and the sentence."""
    with pytest.raises(ValidationError) as caught:
        OpcuaSettings.model_validate({**WORKS, **keys}, context=context)
    (error,) = caught.value.errors()
    context_of = error["ctx"]
    return (*error["loc"], *context_of["path"], context_of["sentence"])


@pytest.mark.parametrize("policy", ["Basic128Rsa15", "Basic256"])
def test_broken_policies_are_refused_by_name(policy: str) -> None:
    """They rest on SHA-1; a server that has nothing else is better read over a cable of its own."""
    key, sentence = refusal(**{**SECURED, "security": policy})

    assert key == "security"
    assert sentence.startswith(f'"{policy}" is broken and refused; write "Basic256Sha256"')


@pytest.mark.parametrize("without", ["cert_file", "key_file", "trust_dir"])
def test_secured_needs_all_of_it(without: str) -> None:
    """Above all the folder: without it anybody's certificate would do."""
    keys = {key: value for key, value in SECURED.items() if key != without}

    assert refusal(**keys) == (
        "security", f'"Basic256Sha256" needs {without}, else anybody could pose as the server; add it'
    )  # fmt: skip


@pytest.mark.parametrize("key", ["cert_file", "key_file", "trust_dir"])
def test_what_looks_secured_and_is_not_is_refused(key: str) -> None:
    """A technician who has laid out certificates believes that they are used."""
    assert refusal(**{key: OURS[key]}) == (
        key, 'is not used with security "None"; choose a policy or leave it out'
    )  # fmt: skip


def test_a_password_does_not_cross_an_open_line_unless_told() -> None:
    login = {"user": "pump", "password_file": "works-password"}

    key, sentence = refusal(**login)

    assert key == "password_file"
    assert sentence.startswith('would cross the line in clear text with security "None"; choose a policy')
    assert OpcuaSettings.model_validate({**WORKS, **login, "plain_password": True}).user
    assert OpcuaSettings.model_validate({**WORKS, **SECURED, **login}).user


@pytest.mark.parametrize(
    ("keys", "key", "words"),
    [
        ({"url": "opc.tcp://me:secret@192.0.2.20"}, "url", "a login stands in no address"),
        ({"password_file": "p"}, "password_file", "a password needs a user"),
        ({**SECURED, "user_cert_file": "u.der"}, "user_cert_file", "go together"),
        ({**SECURED, "user_key_file": "u.pem"}, "user_key_file", "go together"),
        ({**SECURED, "user_cert_file": "u", "user_key_file": "k", "user": "me"}, "user_cert_file", "leave one of them"),
        ({"user_cert_file": "u.der", "user_key_file": "u.pem"}, "user_cert_file", "proves nothing"),
    ],
)
def test_logins_that_cannot_be_meant_are_refused(keys: dict[str, object], key: str, words: str) -> None:
    found, sentence = refusal(**keys)

    assert found == key
    assert words in sentence
    assert "secret" not in sentence


def test_files_that_are_not_there_are_named_with_what_makes_them(tmp_path: Path) -> None:
    """The command, and the folder as it was meant."""
    context: dict[str, object] = {"folder": tmp_path}
    (tmp_path / "ours.der").touch()
    (tmp_path / "ours.pem").touch()

    assert refusal(context, **SECURED) == (
        "trust_dir",
        f"there is no folder {tmp_path / 'trusted'}; `pump-agent opcua-cert CONFIG` makes it, or correct the path",
    )
