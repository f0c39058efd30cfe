"""Request schema of a decision on a todo."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from getbill.kit.text.names import Name


class DecisionBody(BaseModel):
    """The decision, and, if it needs them, the deciding person and the reason."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"decision": "sent"}]})

    decision: Annotated[str, Field(min_length=1, max_length=40)] = Field(
        description="Decision, one of the todo's `decisions`."
    )
    reason: Annotated[str, Field(max_length=1000)] = ""
    decided_by: Annotated[Name, Field(max_length=200)] = Field("", description="Name of the deciding person.")
