"""What an e-mail says, and who wrote it."""

import email
import hashlib
from datetime import datetime
from email import policy
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import TypedDict


class Person(TypedDict):
    """A sender or receiver."""

    name: str
    address: str


class Attachment(TypedDict):
    """A file that came with the message."""

    name: str
    type: str
    bytes: int
    sha256: str


class Message(TypedDict):
    """A message, decoded.

    Attributes:
        sender: Who wrote it.
        to: Who received it, copies included.
        subject: What it is about.
        sent: When it was sent.
        text: The body as plain text, taken from HTML where there is nothing else.
        attachments: The files that came with it, without their content.
        defects: What is wrong with its form.
    """

    sender: list[Person]
    to: list[Person]
    subject: str
    sent: datetime | None
    text: str
    attachments: list[Attachment]
    defects: list[str]


async def main(raw: str, length: int = 10_000) -> Message:
    """Read an e-mail in its raw form: people, subject, text, attachments.

    Parameters
    ----------
    raw : str
        The whole message as it came, headers and all (RFC 5322, MIME).
    length : int, optional
        Cut the text after so many characters.
    """
    message = email.message_from_string(raw, policy=policy.default)
    if not message.keys():
        raise ValueError("there are no headers: give the whole message as it was sent")
    body = message.get_body(("plain", "html"))
    text = body.get_content() if body else ""
    if body and body.get_content_subtype() == "html":
        text = text_of_html(text)
    date = message["date"]
    return {
        "sender": people(message, "from"),
        "to": people(message, "to") + people(message, "cc"),
        "subject": str(message.get("subject", "")),
        "sent": date.datetime if date else None,
        "text": text.strip().replace("\r\n", "\n")[:length],
        "attachments": [described(part) for part in message.iter_attachments()],
        "defects": [type(defect).__name__ for defect in message.defects],
    }


def people(message: EmailMessage, header: str) -> list[Person]:
    """Return everybody whom a header names."""
    found = message.get_all(header, [])
    addresses = [one for value in found for one in value.addresses]
    return [{"name": one.display_name, "address": one.addr_spec} for one in addresses]


def described(part: EmailMessage) -> Attachment:
    """Describe an attached file."""
    content = part.get_payload(decode=True) or b""
    return {
        "name": part.get_filename("unnamed"),
        "type": part.get_content_type(),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


class TextOfHtml(HTMLParser):
    """Collects what a browser would show."""

    def __init__(self) -> None:
        """Begin with nothing collected."""
        super().__init__()
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line where a browser would."""
        del attrs
        self.hidden += tag in ("style", "script", "title")
        if tag in ("br", "p", "div", "tr", "li", "h1", "h2", "h3"):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """Show again what follows a hidden part."""
        self.hidden -= tag in ("style", "script", "title")

    def handle_data(self, data: str) -> None:
        """Keep what is shown."""
        if not self.hidden:
            self.parts.append(data)


def text_of_html(html: str) -> str:
    """Return the text of a page, without empty lines."""
    parser = TextOfHtml()
    parser.feed(html)
    lines = (" ".join(line.split()) for line in "".join(parser.parts).splitlines())
    return "\n".join(filter(None, lines))
