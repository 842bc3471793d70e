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


def test_formats_describe_themselves(client: TestClient) -> None:
    formats = client.get("/v1/formats").json()["items"]
    assert {"self_instruct_triples", "alpaca"} <= {each["name"] for each in formats}
    assert all(each["description"] and each["file_suffix"] == ".jsonl" for each in formats)
