"""The setting `auth`: how a source signs in, what that needs, and where an object of Python for it comes from."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from importlib import import_module

from mirror.errors import ConfigError
from mirror.model.source import Auth, Signer

PYTHON = f"{Auth.PYTHON}:"
_PLACE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_NEEDS_USER = frozenset({Auth.BASIC, Auth.NTLM})
_WITHOUT_USER = frozenset({Auth.APIKEY, Auth.TOKEN})
_WITHOUT_SECRET = frozenset({Auth.KERBEROS, Auth.PYTHON})


@dataclass(frozen=True, slots=True)
class AuthSetting:
    """What `auth` says.

    Attributes:
        place: for Auth.PYTHON, `package.module:name`; empty when a script gives the object to `mirror.open`.
    """

    auth: Auth
    place: str = ""

    def __str__(self) -> str:
        return f"{PYTHON}{self.place}" if self.place else str(self.auth)

    @property
    def needs_secret(self) -> bool:
        """Whether the source must say where its secret is."""
        return self.auth not in _WITHOUT_SECRET

    def check_user(self, user: str | None, where: str) -> None:
        """Refuse a user that is missing or has no meaning.

        Raises:
            ConfigError: it is so.
        """
        if user is None and self.auth in _NEEDS_USER:
            name = r'user = "DOMAIN\\me"' if self.auth is Auth.NTLM else 'user = "me"'
            raise ConfigError(f'{where}: auth = "{self}" needs {name} as well; the secret is the password then')
        if user is not None and self.auth in _WITHOUT_USER:
            raise ConfigError(f'{where}: user does not go with auth = "{self}"; leave it out, or say auth = "{Auth.BASIC}"')

    def signer(self, where: str, user: str | None, secret: str) -> Signer | None:
        """Return the object that `place` leads to; None for every other way.

        An object of a class that `requests` knows as authentication is taken as it is. A class or function is called for
        it, with as much as there is of user and secret, in this order.

        Raises:
            ConfigError: there is none; the secret is never part of the message.
        """
        if self.auth is not Auth.PYTHON:
            return None
        if not self.place:
            raise ConfigError(f'{where}: only a script can give this object: mirror.open(auth={{"NAME": …}})')
        found = _imported(self.place, where)
        if not _is_factory(found):
            return _callable(found, self.place, where)
        given = [each for each in (user, secret) if each]
        try:
            made = found(*given) if callable(found) else None
        except Exception as error:  # noqa: BLE001 - others' code, of which only this source depends
            # Without its cause, whose text may have the secret in it.
            raise ConfigError(f"{where}: {self.place} failed when it was called ({type(error).__name__})") from None
        return _callable(made, f"what {self.place} returns", where)


def read_auth(text: str, where: str) -> AuthSetting:
    """Return what the value of `auth` means.

    Raises:
        ConfigError: it is no known word; names the nearest.
    """
    if text.startswith(PYTHON):
        place = text.removeprefix(PYTHON)
        if not _PLACE.fullmatch(place):
            raise ConfigError(f'{where}: expected "{PYTHON}package.module:name"')
        return AuthSetting(Auth.PYTHON, place)
    if text not in tuple(Auth):
        close = difflib.get_close_matches(text.lower(), tuple(Auth), n=1)
        hint = f"did you mean {close[0]}?" if close else f'one of: {", ".join(Auth)}, or "{PYTHON}package.module:name"'
        raise ConfigError(f"{where}: {text!r} is no way to sign in; {hint}")
    return AuthSetting(Auth(text))


def checked_signer(given: Signer, source: str) -> Signer:
    """Return the object that a script has given for a source.

    Raises:
        ConfigError: it is none.
    """
    if not callable(given) or isinstance(given, type):
        raise ConfigError(
            f"auth of {source}: expected an object such as requests.auth.HTTPBasicAuth(user, password), "
            f"not {'the class ' if isinstance(given, type) else ''}{getattr(given, '__name__', type(given).__name__)}"
        )
    return given


def _imported(place: str, where: str) -> object:
    module, _, name = place.partition(":")
    try:
        found: object = import_module(module)
    except ImportError:
        raise ConfigError(f"{where}: the module {module!r} cannot be imported; install it, or set PYTHONPATH") from None
    except Exception as error:  # noqa: BLE001 - others' code, run for the first time
        raise ConfigError(f"{where}: the module {module!r} failed when it was imported ({type(error).__name__})") from None
    for each in name.split("."):
        if not hasattr(found, each):
            raise ConfigError(f"{where}: {module!r} has no {name!r}")
        found = getattr(found, each)
    return found


def _is_factory(found: object) -> bool:
    """Return whether it makes the object, as a class or a function does; any other thing is the object itself."""
    return isinstance(found, type) or hasattr(found, "__code__")


def _callable(found: object, what: str, where: str) -> Signer:
    if not callable(found):
        raise ConfigError(f"{where}: {what} is no authentication object of requests: it cannot be called")
    return found
