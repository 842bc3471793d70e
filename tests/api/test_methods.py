"""Methods and formats over HTTP."""

from starlette.testclient import TestClient


def test_a_method_describes_its_options_and_profiles(client: TestClient) -> None:
    page = client.get("/v1/methods").json()
    assert page["next"] is None
    for method in page["items"]:
        assert client.get(f"/v1/methods/{method['name']}").json() == method
        assert method["summary"]
        names = [option["name"] for option in method["options"]]
        assert set(method["json_schema"]["properties"]) == set(names)
        assert all(set(values) <= set(names) for values in method["profiles"].values())
        assert all(option["help"] for option in method["options"])
    assert "self_instruct" in [method["name"] for method in page["items"]]


def test_a_method_shows_the_texts_that_a_job_may_replace(client: TestClient) -> None:
    prompts = client.get("/v1/methods/self_instruct").json()["prompts"]
    by_name = {each["name"]: each for each in prompts}
    propose = by_name["propose"]
    assert set(propose["texts"]) == {"en", "zh"}
    assert all("{{tasks}}" in text for text in propose["texts"].values())
    assert (propose["placeholders"], propose["required"]) == (["tasks", "next", "last"], ["tasks"])
    assert "{{last}}" in by_name["propose.system"]["texts"]["en"]
    assert by_name["classify"]["examples"] == 31
    for method in client.get("/v1/methods").json()["items"]:
        assert bool(method["prompts"]) is method["calls"], method["name"]


def test_formats_describe_themselves(client: TestClient) -> None:
    formats = client.get("/v1/formats").json()["items"]
    assert {"self_instruct_triples", "alpaca"} <= {each["name"] for each in formats}
    assert all(each["description"] and each["file_suffix"].startswith(".") for each in formats)
