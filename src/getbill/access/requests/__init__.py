"""Processing common to all requests: headers, client address, idempotency, access log, metrics."""

from getbill.access.requests.client_address import Peer, bucket, peer_of
from getbill.access.requests.headers import other_encoding, refuse_encoding, refuse_repeated, repeated
from getbill.access.requests.idempotency import (
    AnswerGone,
    IdempotentRequest,
    KeyReused,
    RequestInProgress,
    StoredAnswer,
    begin_request,
    fingerprint,
    is_storable,
    prune_answers,
    read_key,
    store_answer,
    store_answer_separately,
)
from getbill.access.requests.log import AccessLog, keep_partitions
from getbill.access.requests.metrics import count
from getbill.access.requests.privacy import private_headers
