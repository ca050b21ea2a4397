"""A bare REST client: what a test does to RT, and reads from it, without any of the code under test."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import requests

from tests.support.rt.configuration import PASSWORDS


class Client:
    """One user's session; every call that RT refuses fails the test."""

    def __init__(self, url: str, user: str = "root") -> None:
        self.base = url + "/REST/2.0"
        self._session = requests.Session()
        self._session.trust_env = False
        login = self._session.post(url + "/REST/1.0/", data={"user": user, "pass": PASSWORDS[user]}, timeout=60)
        assert " 200 " in login.text.splitlines()[0], login.text

    def close(self) -> None:
        self._session.close()

    def __call__(self, method: str, path: str, **more: Any) -> Any:
        answer = self.raw(method, path, **more)
        assert answer.status_code in (200, 201, 204), f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        return answer.json() if answer.content else None

    def raw(self, method: str, path: str, **more: Any) -> requests.Response:
        return self._session.request(method, self.base + path, timeout=120, allow_redirects=False, **more)

    def get(self, path: str, **params: Any) -> Any:
        return self("GET", path, params=params)

    def put(self, path: str, **values: Any) -> list[str]:
        messages: list[str] = self("PUT", path, json=values)
        return messages

    def create(self, queue: str = "General", subject: str = "made by a test", **values: Any) -> int:
        return int(self("POST", "/ticket", json={"Queue": queue, "Subject": subject, **values})["id"])

    def edit(self, ticket: int, **values: Any) -> None:
        self.put(f"/ticket/{ticket}", **values)

    def delete(self, ticket: int) -> None:
        self("DELETE", f"/ticket/{ticket}")

    def merge(self, ticket: int, into: int) -> None:
        assert self.put(f"/ticket/{ticket}", MergeInto=into) == ["Merge Successful"]

    def comment(self, ticket: int, text: str = "a comment", **values: Any) -> None:
        self("POST", f"/ticket/{ticket}/comment", json={"Content": text, "ContentType": "text/plain", **values})

    def user_id(self, name: str) -> int:
        return int(self.get(f"/user/{quote(name, safe='')}")["id"])

    def custom_fields(self, name: str) -> list[int]:
        """Return the numbers of the custom fields called `name`, the oldest first."""
        query = [{"field": "Name", "operator": "=", "value": name}]
        found = self("POST", "/customfields", json=query, params={"orderby": "id", "find_disabled_rows": "1"})
        return [int(each["id"]) for each in found["items"]]
