"""Whatever a client sends, within OpenAPI or beside it, gets an answer that OpenAPI tells of."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from running_service import HOST, settings_of
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from ui.service.app import create_app

CHECKS = [
    not_a_server_error,
    checks.content_type_conformance,
    checks.status_code_conformance,
    checks.response_schema_conformance,
]
EXAMPLES = 8  # of each operation, both good and bad ones
SLOW = ("/metrics", "/index")  # counts all of a library; needs no fuzz


@pytest.fixture
def operations(colour_library):
    """The operations of a service of a library, which is asked without a network."""
    app = create_app(settings_of(colour_library.path))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers={"Host": HOST})
    yield [found.ok() for found in schema.get_all_operations()]
    app.state.desk.close()


@pytest.mark.parametrize("mode", GenerationMode)
def test_every_request_gets_an_answer_that_openapi_describes(operations, mode):
    assert len(operations) > 15
    for operation in operations:
        if operation.path not in SLOW:
            fuzz(operation, mode)


def test_description_has_problems_token_and_files(colour_library):
    app = create_app(settings_of(colour_library.path, token="secret"))
    said = app.openapi()
    app.state.desk.close()
    upload = said["paths"]["/search/upload"]["post"]
    assert list(upload["requestBody"]["content"]) == ["multipart/form-data"]
    assert list(upload["responses"]["400"]["content"]) == ["application/problem+json"]
    assert "detail" in said["components"]["schemas"]["Problem"]["properties"]
    assert (said["security"], said["paths"]["/health"]["get"]["security"]) == ([{"token": []}], [])


def fuzz(operation, mode):
    """Send what a schema of an operation makes."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
        phases=[Phase.generate],
    )
    def sent(case):
        case.call_and_validate(headers={"Host": HOST}, checks=CHECKS)

    try:
        sent()
    except Exception as error:
        if "Unsatisfiable" not in type(error).__name__:  # nothing can be wrong about it
            raise
