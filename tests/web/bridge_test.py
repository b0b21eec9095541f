"""The bridge: bytes pass unchanged, each rule refuses what it is for, and without the rule the same request passes."""
import base64
import hashlib
import http.client
import json
import logging
import socket
import time
import unittest

from studio_server import PAGE, SAFE, Upstream, frame, frames_of, request, running

import grpc
from vico.v1 import picture_pb2
from vico_web import rules
from vico_web.limits import Limits
from vico_web.sessions import Secret, Sessions

CALL = "/vico.v1.JobService/GetJob"
# The page's uploads, each with the most bytes that its body may have.
UPLOADS = {"/upload?method=vico.v1.ConceptService/UploadConcept": Limits().concept_upload_bytes,
           "/upload?method=vico.v1.AdapterService/ImportAdapter": Limits().adapter_upload_bytes,
           "/upload?method=vico.v1.PictureService/UploadPicture": Limits().picture_upload_bytes}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(2000)


def wait_until(condition, seconds=5):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("the condition did not hold in time")
        time.sleep(0.01)


class Bridge(unittest.TestCase):
    def setUp(self):
        self.upstream = Upstream()

    def test_messages_pass_byte_for_byte(self):
        message = bytes(range(256)) * 40
        with running(self.upstream) as port:
            status, headers, body = request(port, "POST", CALL, frame(message))
        self.assertEqual(status, 200)
        self.assertEqual(headers["content-type"], "application/grpc-web+proto")
        answer, trailers = frames_of(body)
        self.assertEqual(answer, (0, message))
        self.assertEqual(trailers[0], 0x80)
        self.assertIn(b"grpc-status: 0\r\n", trailers[1])
        self.assertEqual(self.upstream.calls[0][::2], (CALL[1:], [message]))

    def test_an_empty_message_is_a_message(self):
        with running(self.upstream) as port:
            _, _, body = request(port, "POST", CALL, frame(b""))
        self.assertEqual(frames_of(body)[0], (0, b"empty"))

    def test_errors_keep_code_text_and_details(self):
        details = bytes(range(40))

        async def refuse(method, requests, context):
            context.set_trailing_metadata((("grpc-status-details-bin", details), ("secret-header", "x")))
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "steps: muß 1..5 %sein")
            yield b""

        self.upstream.answer = refuse
        with running(self.upstream) as port:
            status, _, body = request(port, "POST", CALL, frame(b""))
        self.assertEqual(status, 200)
        (flag, text), = frames_of(body)
        self.assertEqual(flag, 0x80)
        self.assertIn(b"grpc-status: 3\r\n", text)
        self.assertIn("grpc-message: steps: mu%C3%9F 1..5 %25sein\r\n".encode(), text)
        self.assertIn(b"grpc-status-details-bin: " + base64.b64encode(details).rstrip(b"="), text)
        self.assertNotIn(b"secret-header", text)

    def test_a_server_that_is_away_is_unavailable(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # nobody listens
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            import studio_server
            original = studio_server.grpc.aio.insecure_channel
            studio_server.grpc.aio.insecure_channel = lambda target: original(address)
            try:
                with running(self.upstream) as port:
                    _, _, body = request(port, "POST", CALL, frame(b""))
            finally:
                studio_server.grpc.aio.insecure_channel = original
        self.assertIn(b"grpc-status: 14\r\n", frames_of(body)[-1][1])

    def test_events_pass_one_by_one(self):
        go = []

        async def stream(method, requests, context):
            yield b"first"
            while not go:
                await __import__("asyncio").sleep(0.01)
            yield b"second"

        self.upstream.answer = stream
        with running(self.upstream) as port:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("POST", "/vico.v1.JobService/WatchJobs", frame(b""), SAFE)
            answer = connection.getresponse()
            self.assertEqual(answer.read(10), frame(b"first"))
            go.append(True)
            self.assertTrue(answer.read().startswith(frame(b"second")))

    def test_a_closed_tab_ends_the_call_to_the_server(self):
        async def stream(method, requests, context):
            yield b"first"
            await __import__("asyncio").sleep(60)

        self.upstream.answer = stream
        with running(self.upstream) as port:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("POST", "/vico.v1.JobService/WatchJobs", frame(b""), SAFE)
            answer = connection.getresponse()
            self.assertEqual(answer.read(10), frame(b"first"))
            self.assertEqual(self.upstream.ended, [])
            answer.close()
            connection.close()
            wait_until(lambda: self.upstream.ended == ["vico.v1.JobService/WatchJobs"])

    def test_a_timeout_of_the_page_ends_the_call(self):
        async def stream(method, requests, context):
            await __import__("asyncio").sleep(60)
            yield b""

        self.upstream.answer = stream
        with running(self.upstream) as port:
            _, _, body = request(port, "POST", CALL, frame(b""), grpc_timeout="100m")
            self.assertIn(b"grpc-status: 4\r\n", frames_of(body)[-1][1])

    def test_an_upload_is_a_stream_of_requests(self):
        pieces = [b"header", bytes(1 << 20), b"end"]
        for path in UPLOADS:
            with self.subTest(path), running(self.upstream) as port:
                _, _, body = request(port, "POST", path, b"".join(map(frame, pieces)))
                self.assertEqual(self.upstream.calls[-1][::2], (path.partition("=")[2], pieces))
                self.assertEqual(frames_of(body)[0][1], b"".join(pieces))

    def test_an_upload_that_the_server_refuses_early_has_its_answer(self):
        async def refuse(method, requests, context):
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "full")
            yield b""

        self.upstream.answer = refuse
        with running(self.upstream) as port:
            status, _, body = request(port, "POST", "/upload?method=vico.v1.ConceptService/UploadConcept",
                                      frame(bytes(1 << 20)) * 8)
        self.assertEqual(status, 200)
        self.assertIn(b"grpc-status: 8\r\n", frames_of(body)[-1][1])

    def test_an_upload_that_breaks_off_ends_the_call(self):
        with running(self.upstream) as port:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.putrequest("POST", "/upload?method=vico.v1.ConceptService/UploadConcept", skip_host=True)
            for name, value in SAFE.items():
                connection.putheader(name, value)
            connection.putheader("content-length", "1000")
            connection.endheaders(frame(b"half")[:7])
            connection.close()
            time.sleep(0.3)
            self.assertEqual(self.upstream.calls, [])
            self.assertEqual(request(port, "POST", CALL, frame(b"next"))[0], 200)

    def test_other_methods_are_no_uploads(self):
        with running(self.upstream) as port:
            for method in ("vico.v1.WorkerService/PutBlob", "vico.v1.JobService/GetJob", ""):
                self.assertEqual(request(port, "POST", f"/upload?method={method}", frame(b""))[0], 404)
        self.assertEqual(self.upstream.calls, [])

    def test_malformed_frames_are_refused(self):
        cut, compressed = frame(b"whole")[:-1], frame(b"x", flag=1)
        with running(self.upstream) as port:
            for body in (cut, compressed, frame(b"a") + frame(b"b"), b"\0\0", b""):
                self.assertEqual(request(port, "POST", CALL, body)[0], 400, body)
                if body != frame(b"a") + frame(b"b") and body:
                    path = "/upload?method=vico.v1.ConceptService/UploadConcept"
                    self.assertEqual(request(port, "POST", path, body)[0], 400, body)


class Rules(unittest.TestCase):
    """Each attack is refused by its rule, and by no other: without the rule it passes."""

    def attack(self, rule, wanted, method="POST", path=CALL, body=frame(b"x"), **changes):
        upstream = Upstream()
        with running(upstream) as port:
            status, _, _ = request(port, method, path, body, **changes)
            self.assertEqual(status, wanted)
            self.assertEqual(upstream.calls, [])
        others = tuple(one for one in rules.RULES if one is not rule)
        with running(upstream, checked=others) as port:
            status, _, _ = request(port, method, path, body, **changes)
            self.assertEqual(status, 200, "another rule refuses this too, so the test says nothing of this one")

    def test_another_host_name_for_this_address(self):
        self.attack(rules.known_host, 421, host="evil.test")

    def test_another_port(self):
        self.attack(rules.known_host, 421, host="studio.test:81")

    def test_a_picture_by_another_host_name(self):
        self.attack(rules.known_host, 421, "GET", "/", b"", host="evil.test", origin=None)

    def test_a_call_of_another_site(self):
        self.attack(rules.same_origin, 403, sec_fetch_site="cross-site")

    def test_a_call_of_a_sister_site(self):
        self.attack(rules.same_origin, 403, sec_fetch_site="same-site")

    def test_an_asset_for_another_site(self):
        self.attack(rules.same_origin, 403, "GET", "/assets/a-1.js", b"", sec_fetch_site="cross-site",
                    sec_fetch_mode="no-cors", origin=None)

    def test_a_call_of_an_old_browser_on_another_site(self):
        self.attack(rules.known_origin, 403, sec_fetch_site=None, origin="http://evil.test")

    def test_a_call_without_an_origin(self):
        self.attack(rules.known_origin, 403, sec_fetch_site=None, origin=None)

    def test_a_call_of_a_sandbox(self):
        self.attack(rules.known_origin, 403, origin="null")

    def test_a_form_of_another_site(self):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                     "application/grpc-web", "application/grpc-web+json", "application/grpc-web-text", None):
            with self.subTest(kind):
                self.attack(rules.known_content, 415, content_type=kind)

    def test_an_upload_of_another_site(self):
        for path in UPLOADS:
            with self.subTest(path):
                self.attack(rules.same_origin, 403, path=path, sec_fetch_site="cross-site")
                self.attack(rules.known_origin, 403, path=path, origin="http://evil.test")
                self.attack(rules.known_content, 415, path=path, content_type="multipart/form-data; boundary=x")
                self.attack(rules.known_host, 421, path=path, host="evil.test")

    def test_services_that_are_not_the_pages(self):
        for service in ("AdminService", "WorkerService", "KeyService"):
            with self.subTest(service):
                self.attack(rules.listed_service, 404, path=f"/vico.v1.{service}/Any")

    def test_reflection_and_health(self):
        self.attack(rules.listed_service, 404, path="/grpc.health.v1.Health/Check")

    def test_a_session_by_a_form(self):
        upstream = Upstream()
        with running(upstream) as port:
            body = b'{"key": "k"}'
            self.assertEqual(request(port, "POST", "/session", body, content_type="text/plain")[0], 415)
            self.assertEqual(request(port, "POST", "/session", body, content_type="application/json")[0], 200)

    def test_there_is_no_cors(self):
        with running(Upstream()) as port:
            status, headers, _ = request(port, "OPTIONS", CALL, origin="http://evil.test",
                                         access_control_request_method="POST")
            self.assertEqual(status, 405)
            self.assertFalse([name for name in headers if name.startswith("access-control")])
            _, headers, _ = request(port, "POST", CALL, frame(b""))
            self.assertFalse([name for name in headers if name.startswith("access-control")])

    def test_a_link_of_another_site_opens_a_page_and_nothing_else(self):
        link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "origin": None}
        with running(Upstream()) as port:
            self.assertEqual(request(port, "GET", "/jobs/7f", **link)[0], 200)
            self.assertEqual(request(port, "GET", f"/blob/{'0' * 64}?name=x", **link)[0], 403)

    def test_every_answer_has_the_headers(self):
        with running(Upstream()) as port:
            for method, path, changes in (("GET", "/", {}), ("POST", CALL, {}), ("GET", "/assets/a-1.js", {}),
                                          ("GET", "/assets/none.js", {}), ("POST", CALL, {"host": "evil.test"})):
                _, headers, _ = request(port, method, path, frame(b"") if method == "POST" else b"", **changes)
                policy = headers["content-security-policy"]
                self.assertTrue(policy.startswith("default-src 'self'; img-src 'self' blob:;"), policy)
                self.assertNotIn("unsafe", policy)
                self.assertIn("frame-ancestors 'none'", policy)
                self.assertEqual(headers["x-content-type-options"], "nosniff")
                self.assertEqual(headers["cross-origin-resource-policy"], "same-origin")


class BodyLimits(unittest.TestCase):
    LIMITS = Limits(call_bytes=1000, message_bytes=500, concept_upload_bytes=2000, adapter_upload_bytes=3000,
                    picture_upload_bytes=1500, idle_seconds=0.3)
    UPLOAD, ADAPTER, PICTURE = UPLOADS

    def setUp(self):
        self.upstream = Upstream()

    def test_a_call_that_is_too_large(self):
        with running(self.upstream, limits=self.LIMITS) as port:
            self.assertEqual(request(port, "POST", CALL, frame(bytes(995)))[0], 200)
            self.assertEqual(request(port, "POST", CALL, frame(bytes(996)))[0], 413)

    def test_an_upload_that_is_too_large(self):
        with running(self.upstream, limits=self.LIMITS) as port:
            for path, most in ((self.PICTURE, 3), (self.UPLOAD, 4), (self.ADAPTER, 6)):  # frames of 500 bytes
                self.assertEqual(request(port, "POST", path, frame(bytes(495)) * most)[0], 200)
                self.assertEqual(request(port, "POST", path, frame(bytes(496)) * most)[0], 413)

    def test_a_declared_length_above_the_limit_is_refused_before_it_is_sent(self):
        with running(self.upstream) as port:
            for path, most in UPLOADS.items():
                for length, wanted in ((most + 1, 413), (most, None)):
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10 if wanted else 0.3)
                    connection.putrequest("POST", path, skip_host=True)
                    for name, value in (SAFE | {"content-length": str(length)}).items():
                        connection.putheader(name, value)
                    connection.endheaders()
                    if wanted:
                        self.assertEqual(connection.getresponse().status, wanted)
                    else:  # it waits for the body
                        self.assertRaises(TimeoutError, connection.getresponse)
                    connection.close()

    def test_the_largest_things_that_the_server_takes_fit(self):
        mib = 1 << 20
        for (path, most), content in zip(UPLOADS.items(), (20 * 10 * mib, 522 * mib, 10 * mib)):
            # Each MiB is a message with a frame and at most 64 KiB of fields.
            self.assertGreaterEqual(most, content + content // mib * 5 + (64 << 10), path)

    def test_a_message_that_is_too_large(self):
        with running(self.upstream, limits=self.LIMITS) as port:
            self.assertEqual(request(port, "POST", self.UPLOAD, frame(bytes(501)))[0], 400)

    def test_a_body_whose_length_is_not_said(self):
        with running(self.upstream, limits=self.LIMITS) as port:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            parts = iter([frame(bytes(996))[:600], frame(bytes(996))[600:]])
            connection.request("POST", CALL, parts, SAFE | {"transfer-encoding": "chunked"}, encode_chunked=True)
            self.assertEqual(connection.getresponse().status, 413)

    def test_a_body_that_never_comes(self):
        with running(self.upstream, limits=self.LIMITS) as port:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.putrequest("POST", CALL, skip_host=True)
            for name, value in (SAFE | {"content-length": "10"}).items():
                connection.putheader(name, value)
            connection.endheaders(b"\0")
            self.assertEqual(connection.getresponse().status, 408)


class SessionsTest(unittest.TestCase):
    KEY = "vico_acme_topsecretkey"

    def sign_in(self, port, fields):
        return request(port, "POST", "/session", json.dumps(fields).encode(), content_type="application/json")

    def test_the_key_becomes_a_cookie_that_no_script_reads(self):
        upstream = Upstream()
        with running(upstream) as port:
            status, headers, body = self.sign_in(port, {"key": self.KEY})
            self.assertEqual((status, json.loads(body)), (200, {"signed_in": True}))
            cookie = headers["set-cookie"]
            self.assertIn("; HttpOnly; SameSite=Strict", cookie)
            self.assertNotIn(self.KEY, cookie)
            self.assertEqual(upstream.calls[-1][1]["authorization"], f"Bearer {self.KEY}")
            request(port, "POST", CALL, frame(b"with"), cookie=cookie.split(";")[0])
            self.assertEqual(upstream.calls[-1][1]["authorization"], f"Bearer {self.KEY}")
            request(port, "POST", CALL, frame(b"without"))
            self.assertNotIn("authorization", upstream.calls[-1][1])

    def test_behind_tls_the_cookie_is_for_tls_only(self):
        site = rules.Site(frozenset(("studio.test",)), frozenset(("https://studio.test",)))
        with running(Upstream(), site=site) as port:
            _, headers, _ = request(port, "POST", "/session", b'{"key": "k"}', content_type="application/json",
                                    origin="https://studio.test")
        self.assertTrue(headers["set-cookie"].startswith("__Host-vico="))
        self.assertTrue(headers["set-cookie"].endswith("; Secure"))

    def test_signing_out_ends_the_session(self):
        upstream = Upstream()
        with running(upstream) as port:
            cookie = self.sign_in(port, {"key": self.KEY})[1]["set-cookie"].split(";")[0]
            status, headers, _ = request(port, "DELETE", "/session", cookie=cookie)
            self.assertEqual(status, 200)
            self.assertIn("Max-Age=0", headers["set-cookie"])
            request(port, "POST", CALL, frame(b""), cookie=cookie)
            self.assertNotIn("authorization", upstream.calls[-1][1])

    def test_a_key_that_the_server_refuses(self):
        upstream = Upstream()

        async def refuse(method, requests, context):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "no")
            yield b""

        upstream.answer = refuse
        with running(upstream) as port:
            status, headers, _ = self.sign_in(port, {"key": self.KEY})
        self.assertEqual(status, 401)
        self.assertNotIn("set-cookie", headers)

    def test_the_key_of_the_studio_needs_its_token(self):
        upstream = Upstream()
        with running(upstream, own_key=Secret(self.KEY), token=Secret("t0ken")) as port:
            request(port, "POST", CALL, frame(b""))
            self.assertNotIn("authorization", upstream.calls[-1][1])
            self.assertEqual(self.sign_in(port, {"token": "guess"})[0], 401)
            self.assertEqual(self.sign_in(port, {"token": ""})[0], 401)
            self.assertEqual(self.sign_in(port, {"token": "t0ken"})[0], 200)
            self.assertEqual(upstream.calls[-1][1]["authorization"], f"Bearer {self.KEY}")
        with running(upstream) as port:
            self.assertEqual(self.sign_in(port, {"token": ""})[0], 401)

    def test_sessions_end_and_make_room(self):
        now = [0.0]
        sessions = Sessions(secure=False, limit=2, idle_seconds=10, uptime=lambda: now[0])
        first, second = (sessions.open(Secret(key)).split(";")[0] for key in "ab")
        self.assertEqual(sessions.key_of(first).reveal(), "a")
        third = sessions.open(Secret("c")).split(";")[0]
        self.assertIsNone(sessions.key_of(second), "the one that was idle longest makes room")
        now[0] = 9
        self.assertEqual(sessions.key_of(first).reveal(), "a")
        now[0] = 15
        self.assertIsNone(sessions.key_of(third))
        self.assertEqual(sessions.key_of(first).reveal(), "a")

    def test_logs_never_hold_keys(self):
        upstream = Upstream()
        lines = []
        handler = logging.Handler()
        handler.emit = lambda record: lines.append(handler.format(record))
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        try:
            with running(upstream, own_key=Secret(self.KEY), token=Secret("t0ken-t0ken")) as port:
                cookie = self.sign_in(port, {"key": self.KEY})[1]["set-cookie"].split(";")[0]
                self.sign_in(port, {"token": "t0ken-t0ken"})
                self.sign_in(port, {"key": self.KEY + "\n"})
                self.sign_in(port, [self.KEY])
                request(port, "POST", CALL, frame(b""), cookie=cookie, authorization=f"Bearer {self.KEY}")
                request(port, "GET", f"/?key={self.KEY}")
                request(port, "POST", CALL, frame(self.KEY.encode())[:-1], cookie=cookie)
        finally:
            root.removeHandler(handler)
            root.setLevel(level)
        log = "\n".join(lines)
        self.assertIn(f"POST {CALL} 200", log)
        for secret in (self.KEY, "t0ken-t0ken", cookie.split("=")[1]):
            self.assertNotIn(secret, log)
        self.assertNotIn(self.KEY, repr(Secret(self.KEY)) + str(Secret(self.KEY)))

    def test_a_header_of_the_page_is_no_key(self):
        upstream = Upstream()
        with running(upstream) as port:
            request(port, "POST", CALL, frame(b""), authorization="Bearer stolen")
        self.assertNotIn("authorization", upstream.calls[-1][1])


class PicturesTest(unittest.TestCase):
    DIGEST = hashlib.sha256(PNG).hexdigest()

    def setUp(self):
        self.upstream = Upstream()
        self.header = dict(media_type="image/png", size_bytes=len(PNG), sha256=self.DIGEST)
        self.data = PNG

        async def picture(method, requests, context):
            response = picture_pb2.DownloadPictureResponse
            yield response(header=self.header).SerializeToString()
            half = len(self.data) // 2
            for offset, part in ((0, self.data[:half]), (half, self.data[half:])):
                yield response(chunk=dict(offset=offset, data=part, last=offset > 0)).SerializeToString()

        self.upstream.answer = picture

    def get(self, port, digest=None, query="name=concepts/c1/pictures/0", **changes):
        return request(port, "GET", f"/blob/{digest or self.DIGEST}?{query}", content_type=None, origin=None, **changes)

    def test_a_picture_is_immutable_for_its_session(self):
        with running(self.upstream) as port:
            status, headers, body = self.get(port)
        self.assertEqual((status, body), (200, PNG))
        self.assertEqual(headers["content-type"], "image/png")
        self.assertEqual(headers["cache-control"], "private, max-age=31536000, immutable")
        self.assertEqual(headers["vary"], "Cookie")
        asked = picture_pb2.DownloadPictureRequest.FromString(self.upstream.calls[0][2][0])
        self.assertEqual((asked.name, asked.thumbnail_side), ("concepts/c1/pictures/0", 0))

    def test_an_unchanged_picture_is_not_sent_but_asked_for(self):
        with running(self.upstream) as port:
            tag = self.get(port)[1]["etag"]
            status, _, body = self.get(port, if_none_match=tag)
            self.assertEqual((status, body), (304, b""))
            self.assertEqual(len(self.upstream.calls), 2)

            async def refuse(method, requests, context):
                await context.abort(grpc.StatusCode.NOT_FOUND, "no such picture")
                yield b""

            self.upstream.answer = refuse
            self.assertEqual(self.get(port, if_none_match=tag)[0], 404)

    def test_a_digest_opens_nothing_without_a_name_that_has_it(self):
        other = "ab" * 32
        with running(self.upstream) as port:
            self.assertEqual(self.get(port, query="")[0], 404)
            self.assertEqual(self.get(port, other)[0], 404)
            self.assertEqual(self.get(port, "g" * 64)[0], 404)
            self.assertEqual(self.get(port, query="name=x&side=-1")[0], 404)

    def test_a_thumbnail_has_bytes_of_its_own(self):
        self.header["sha256"] = "00" * 32
        with running(self.upstream) as port:
            status, headers, _ = self.get(port, query="name=concepts/c1/pictures/0&side=256")
            self.assertEqual(status, 200)
            self.assertNotEqual(headers["etag"], f'"{self.DIGEST}-0"')
        asked = picture_pb2.DownloadPictureRequest.FromString(self.upstream.calls[0][2][0])
        self.assertEqual(asked.thumbnail_side, 256)

    def test_damaged_pictures_and_other_content_are_not_passed_on(self):
        with running(self.upstream, limits=Limits(picture_bytes=4000)) as port:
            self.data = PNG[:-1] + b"x"
            self.assertEqual(self.get(port)[0], 502)
            self.data = PNG
            self.header["media_type"] = "text/html"
            self.assertEqual(self.get(port)[0], 502)
            self.header |= dict(media_type="image/png", size_bytes=5000)
            self.assertEqual(self.get(port)[0], 502)
            self.header["size_bytes"] = len(PNG)
            self.data = PNG * 3
            self.assertEqual(self.get(port)[0], 502)

    def test_the_session_is_the_callers(self):
        with running(self.upstream) as port:
            body = json.dumps({"key": "k3y"}).encode()
            cookie = request(port, "POST", "/session", body, content_type="application/json")[1]["set-cookie"]
            self.get(port, cookie=cookie.split(";")[0])
        self.assertEqual(self.upstream.calls[-1][1]["authorization"], "Bearer k3y")


class Files(unittest.TestCase):
    def test_the_pages_router_gets_the_page(self):
        with running(Upstream()) as port:
            for path in ("/", "/jobs/7f3a", "/gallery/7f/0", "/train?concept=x"):
                status, headers, body = request(port, "GET", path)
                self.assertEqual((status, body), (200, PAGE["/index.html"].plain))
                self.assertEqual(headers["cache-control"], "no-cache")

    def test_files_outside_the_table_do_not_exist(self):
        with running(Upstream()) as port:
            for path in ("/assets/../../rules.py", "/assets/%2e%2e/rules.py", "/rules.py", "/assets/b.js"):
                self.assertEqual(request(port, "GET", path)[0], 404, path)

    def test_names_with_a_digest_are_immutable(self):
        with running(Upstream()) as port:
            _, headers, _ = request(port, "GET", "/assets/a-1.js")
            self.assertIn("immutable", headers["cache-control"])
            self.assertEqual(request(port, "GET", "/assets/a-1.js", if_none_match=headers["etag"])[0], 304)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
