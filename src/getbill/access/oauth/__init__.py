"""The OAuth 2.0 authorization server: clients, tokens and their signing keys."""

from getbill.access.oauth.endpoints import Endpoints, metadata
from getbill.access.oauth.forms import BYTES_MAX, BodyTooLong, TokenRequest, check_headers, read
from getbill.access.oauth.server import Answer, refusal
from getbill.access.oauth.signing_keys import TOKEN_LIFE, SigningKeys, VerifiedToken, prune_signing_keys
from getbill.access.oauth.tokens import prune_tokens
