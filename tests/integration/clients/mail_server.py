"""A server that takes e-mails."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Mailbox:
    """The e-mails that came."""

    port: int = 0
    emails: list[EmailMessage] = field(default_factory=list)


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """Take e-mails by SMTP (RFC 5321)."""
    mailbox = Mailbox()

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 ready")
            for line in self.rfile:
                match line.split()[0].upper():
                    case b"DATA":
                        self._say("354 go on")
                        content = b"".join(iter(self.rfile.readline, b".\r\n"))
                        mailbox.emails.append(message_from_bytes(content, policy=policy.default))
                        self._say("250 taken")
                    case b"QUIT":
                        return self._say("221 bye")
                    case _:
                        self._say("250 ok")
            return None

        def _say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        mailbox.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield mailbox
        finally:
            server.shutdown()
            thread.join()
