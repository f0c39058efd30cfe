"""What holds for every request: headers, client address, idempotency, access log and metrics."""

from getbill.access.requests.client_address import Peer, bucket, peer_of
from getbill.access.requests.headers import other_encoding, refuse_encoding, refuse_repeated, repeated
from getbill.access.requests.idempotency import (
    AnswerGone,
    Given,
    KeyReused,
    Once,
    TwinRunning,
    begin,
    fingerprint,
    is_kept,
    keep,
    keep_apart,
    prune_answers,
    read_key,
)
from getbill.access.requests.log import AccessLog, keep_partitions
from getbill.access.requests.metrics import count
from getbill.access.requests.privacy import private

__all__ = [
    "AccessLog",
    "AnswerGone",
    "Given",
    "KeyReused",
    "Once",
    "Peer",
    "TwinRunning",
    "begin",
    "bucket",
    "count",
    "fingerprint",
    "is_kept",
    "keep",
    "keep_apart",
    "keep_partitions",
    "other_encoding",
    "peer_of",
    "private",
    "prune_answers",
    "read_key",
    "refuse_encoding",
    "refuse_repeated",
    "repeated",
]
