"""Bodies of attachments and embedded images, under all the addresses that clients use. versionone.md §1, §6.5, C5."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import HTTP

from mirror.simulators.versionone.state import RefusedError
from mirror.simulators.versionone.view import View

ATTACHMENTS = ("attachment.img", "attachment.v1", "attachments.img", "attachment.oauth.img", "attachments.oauth.img")
"""Raw bytes by SDKs and pysdk, multipart by one page of the documentation. C5"""

IMAGES = ("embedded.img", "embedded.oauth.img")
BY_HASH = "downloadblob.img"
"""Where the inline images of newer releases are. versionone.md §1 Q"""

SERVICES = (*ATTACHMENTS, *IMAGES, BY_HASH)


def find(view: View, service: str, key: str) -> int:
    """Return the asset whose body an address names.

    Raises:
        RefusedError: 404, there is none, or it is deleted, or the caller may not see it.
    """
    type_name = "Attachment" if service in ATTACHMENTS else "EmbeddedImage"
    if service == BY_HASH:
        for asset in view.ids("EmbeddedImage"):
            if str(view.value(asset, "ContentHash")) == key:
                return asset
    elif key.isdigit() and view.is_there(type_name, int(key)):
        return int(key)
    raise RefusedError(404, f"Not found: {service}/{key}")


def read(view: View, asset: int) -> tuple[bytes, str]:
    """Return the body and its content type.

    Raises:
        RefusedError: 404, nothing was uploaded yet.
    """
    content = view.world.blob(asset, at=view.at)
    if not content:
        raise RefusedError(404, f"Not found: {view.oid(asset)}/Content")
    return content, str(view.value(asset, "ContentType") or "application/octet-stream")


def uploaded(body: bytes, content_type: str) -> bytes:
    """Return the bytes that a client sent: the whole body, or the first part of multipart/form-data. C5

    Raises:
        RefusedError: it says that it has parts, and has none.
    """
    if not content_type.lower().startswith("multipart/form-data"):
        return body
    message = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body, policy=HTTP)
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            return content
    raise RefusedError(400, "Invalid multipart body")
