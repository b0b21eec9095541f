"""What one request may cost."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limits:
    call_bytes: int = 1 << 20  # body of a call
    message_bytes: int = (1 << 20) + (64 << 10)  # one message of an upload: 1 MiB of a picture and its header
    concept_upload_bytes: int = 210 << 20  # body of an upload: 20 pictures of 10 MiB
    adapter_upload_bytes: int = 600 << 20  # an adapter of 512 MiB and its reference picture
    picture_upload_bytes: int = 11 << 20  # a picture of 10 MiB
    picture_bytes: int = 64 << 20  # a picture that is fetched
    idle_seconds: float = 30  # without a byte of the body
    call_seconds: float = 3700  # the server ends a watch after an hour
    upload_seconds: float = 1800
    picture_seconds: float = 60
    sign_in_seconds: float = 10
    connections: int = 512
