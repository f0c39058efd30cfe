"""HTTP for every route: JSON bodies, responses, validation, paging and the OpenAPI document."""

from getbill.kit.http.bodies import (
    JsonAnswer,
    JsonBody,
    answer,
    body,
    handle_problems,
    language_headers,
    language_of,
    pointer,
    problem,
    read_json_bytes,
    refuse_empty_range,
    refuse_repeated_parameters,
    refuse_unknown_parameters,
    unknown_field,
    wrong_parameter,
)
from getbill.kit.http.declared_fields import ApiField, api_fields, with_fields
from getbill.kit.http.handshakes import TlsServer
from getbill.kit.http.openapi import classes_of, describe
from getbill.kit.http.paging import (
    EXACT_MAX,
    LIMIT_DEFAULT,
    LIMIT_MAX,
    CursorSigner,
    PageQuery,
    QueryText,
    foreign_cursor,
    pagination,
    read_cursor,
    read_identifier,
    read_time_cursor,
    seal,
    seal_optional,
    unseal,
    unseal_optional,
    write_cursor,
    write_time_cursor,
)
from getbill.kit.http.routes import DirectRouter, Route, include_routes, route_template, template_with_ids
from getbill.kit.http.schemas import (
    Currency,
    Day,
    Flag,
    Instant,
    MoneyNumber,
    Pagination,
    Printable,
    ProblemShown,
    QueryDay,
    QueryInstant,
    check_day_text,
    check_instant_text,
    problems,
    require_any_field,
    require_field,
)
