"""The fixtures give what they promise: own, empty, real."""

import psycopg
import redis

from tests.servers import TestPostgres, plain


def test_each_test_gets_a_database_of_its_own(
    database_url: str, empty_database_url: str, postgres_server: TestPostgres
) -> None:
    assert database_url.startswith("postgresql+psycopg://")
    with psycopg.connect(plain(database_url), autocommit=True) as connection:
        connection.execute("CREATE TABLE only_here (id int)")
    other = postgres_server.create("cultivar_other", database_url.rpartition("/")[2])
    postgres_server.drop("cultivar_other")
    assert other != database_url != empty_database_url


def test_the_redis_is_a_real_one_and_empty(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("a", "b")
        assert "valkey_version" not in client.info("server")


def test_the_redis_is_empty_again(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
