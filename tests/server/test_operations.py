"""What whoever runs the device server asks of it."""

import pytest

from support.serving import a_channel


async def text(server, path, method="GET"):
    async with server.session.request(method, server.url + path) as response:
        return response.status, await response.text()


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
async def test_probes_are_answered(server, path):
    assert await text(server, path) == (200, "ok\n")
    assert await text(server, path, "HEAD") == (200, "")


async def test_who_is_about_to_go_wants_no_new_phones_and_answers_old_ones(server, store):
    await store.serve(a_channel())
    await server.table.refresh()
    server.app.draining = True

    assert (await text(server, "/readyz"))[0] == 503
    assert (await text(server, "/livez"))[0] == 200
    assert (await server.ask())[1]["version"] == "1.1.0"


async def test_what_is_counted_can_be_read(server, store):
    await store.serve(a_channel())
    await server.table.refresh()
    await server.ask()
    _, told = await text(server, "/metrics")

    lines = told.splitlines()
    assert 'sluice_device_requests_total{route="/updates",status="200"} 1' in lines
    assert 'sluice_device_answers_total{reason="Offer"} 1' in lines
    assert "sluice_device_channels 1" in lines
    assert all(line.startswith(("# TYPE ", "sluice_device_")) for line in lines)
