"""Short calls: retries with the same request id, deadlines, typed errors, pages; blocking and with asyncio."""
import asyncio
import datetime
import os
import time
import unittest
from unittest import mock

import grpc

import vico
from fake_server import FakeServer, fail, job
from vico.v1 import adapter_pb2, concept_pb2, job_pb2, job_service_pb2, model_pb2

CODE = grpc.StatusCode
CREATE = "JobService/CreateTrainingJob"


class CallsTest(unittest.TestCase):
    def setUp(self):
        patch = mock.patch.dict(os.environ, {"XDG_CONFIG_HOME": "/nonexistent"})
        patch.start()
        self.addCleanup(patch.stop)
        for name in ("VICO_SERVER", "VICO_KEY", "VICO_KEY_FILE", "VICO_CA"):
            os.environ.pop(name, None)

    def serve(self, methods, **arguments):
        self.server = FakeServer(methods)
        self.addCleanup(self.server.stop)
        client = vico.Client(self.server.address, **arguments)
        self.addCleanup(client.close)
        return client

    def test_retries_of_a_creating_call_repeat_its_request_id(self):
        def create(request, context):
            if len(self.server.calls) < 3:
                fail(context, CODE.UNAVAILABLE, "the database is away")
            return job()

        client = self.serve({CREATE: create})
        self.assertEqual(client.train("concepts/1", "robot").name, "jobs/1")
        ids = [request.request_id for request in self.server.requests(CREATE)]
        self.assertEqual(len(ids), 3)
        self.assertEqual(len(set(ids)), 1)
        self.assertRegex(ids[0], "^[0-9a-f]{32}$")

    def test_a_call_that_a_proxy_resets_is_retried_and_a_bug_is_not(self):
        def create(request, context):
            if len(self.server.calls) == 1:
                context.abort(CODE.INTERNAL, "Received RST_STREAM with error code 2")
            if len(self.server.calls) == 2:
                context.abort(CODE.UNKNOWN, "Stream removed")
            return job()

        client = self.serve({CREATE: create})
        self.assertEqual(client.train("concepts/1", "robot").name, "jobs/1")
        self.assertEqual(len(self.server.requests(CREATE)), 3)
        self.server.methods[CREATE] = lambda request, context: fail(context, CODE.INTERNAL, "broken")
        with self.assertRaises(vico.Internal):
            client.train("concepts/1", "robot")
        self.assertEqual(len(self.server.requests(CREATE)), 4)

    def test_an_error_carries_the_request_id_for_a_repetition(self):
        client = self.serve({CREATE: lambda request, context: fail(context, CODE.UNAVAILABLE, "away")},
                            timeout=1)
        with self.assertRaises(vico.Unavailable) as raised:
            client.train("concepts/1", "robot")
        sent = self.server.requests(CREATE)[0].request_id
        self.assertEqual(raised.exception.request_id, sent)
        self.assertIn(sent, str(raised.exception))
        self.server.methods[CREATE] = lambda request, context: job()
        client.train("concepts/1", "robot", request_id=raised.exception.request_id)
        self.assertEqual(self.server.requests(CREATE)[-1].request_id, sent)

    def test_a_wrong_request_is_not_retried_and_names_all_fields(self):
        fields = [("train.steps", "must be 1..5000, got 0"), ("train.init_word", "must be set")]
        client = self.serve({CREATE: lambda request, context: fail(
            context, CODE.INVALID_ARGUMENT, "train.steps: must be 1..5000, got 0", reason="INVALID_FIELD",
            fields=fields)})
        with self.assertRaises(vico.InvalidArgument) as raised:
            client.train("concepts/1", "")
        self.assertEqual([(v.field, v.description) for v in raised.exception.field_violations], fields)
        self.assertEqual(str(raised.exception),
                         "train.steps: must be 1..5000, got 0\ntrain.init_word: must be set")
        self.assertEqual(len(self.server.calls), 1)

    def test_a_limit_with_a_delay_is_retried_after_it(self):
        def get(request, context):
            if len(self.server.calls) == 1:
                fail(context, CODE.RESOURCE_EXHAUSTED, "busy", reason="SERVER_BUSY", retry_after=0.5)
            return job()

        client = self.serve({"JobService/GetJob": get})
        begin = time.monotonic()
        client.jobs.get("jobs/1")
        self.assertGreaterEqual(time.monotonic() - begin, 0.5)

    def test_a_limit_without_a_delay_is_raised_with_its_reason(self):
        client = self.serve({CREATE: lambda request, context: fail(
            context, CODE.RESOURCE_EXHAUSTED, "too many concepts", reason="QUOTA_EXCEEDED")})
        with self.assertRaises(vico.ResourceExhausted) as raised:
            client.train("concepts/1", "robot")
        self.assertEqual(raised.exception.reason, "QUOTA_EXCEEDED")
        self.assertIn("Delete jobs", str(raised.exception))
        self.assertEqual(len(self.server.calls), 1)

    def test_a_server_that_does_not_answer_is_a_deadline_and_the_client_goes_on(self):
        client = self.serve({"JobService/GetJob": lambda request, context: time.sleep(2)}, timeout=0.5)
        begin = time.monotonic()
        with self.assertRaisesRegex(vico.DeadlineExceeded, "no answer from 127.0.0.1"):
            client.jobs.get("jobs/1")
        self.assertLess(time.monotonic() - begin, 1.5)
        self.server.methods["JobService/GetJob"] = lambda request, context: job()
        client.jobs.get("jobs/1")

    def test_no_server_names_the_address_and_where_it_comes_from(self):
        with mock.patch.dict(os.environ, {"VICO_SERVER": "127.0.0.1:1"}):
            with vico.Client(timeout=0.5) as client, self.assertRaises(vico.Unavailable) as raised:
                client.capabilities()
        self.assertRegex(str(raised.exception),
                         "^cannot connect to 127.0.0.1:1: .*The address comes from VICO_SERVER$")

    def test_each_call_carries_the_key(self):
        client = self.serve({"JobService/GetJob": lambda request, context: job()}, key=" vk_1.abc \n")
        client.jobs.get("jobs/1")
        self.assertEqual(self.server.calls[0][2]["authorization"], "Bearer vk_1.abc")
        self.assertNotIn("vk_1", repr(vars(client)))

    def test_a_call_without_a_key_says_how_to_give_one(self):
        client = self.serve({"JobService/GetJob": lambda request, context: fail(
            context, CODE.UNAUTHENTICATED, "the call has no API key", reason="KEY_INVALID")})
        with self.assertRaisesRegex(vico.Unauthenticated, "VICO_KEY"):
            client.jobs.get("jobs/1")

    def test_details_that_contradict_the_code_are_dropped(self):
        def get(request, context):
            context.set_trailing_metadata((("grpc-status-details-bin", b"\x08\x03\x12\x01x"),))
            context.abort(CODE.NOT_FOUND, "no such job")

        client = self.serve({"JobService/GetJob": get})
        with self.assertRaises(vico.NotFound) as raised:
            client.jobs.get("jobs/1")
        self.assertEqual(raised.exception.message, "no such job")

    def test_pages_are_fetched_as_they_are_needed(self):
        def list_jobs(request, context):
            page = int(request.page_token or 0)
            jobs = [job(f"jobs/{page * request.page_size + i}") for i in range(request.page_size)]
            return job_service_pb2.ListJobsResponse(jobs=jobs,
                                                    next_page_token=str(page + 1) if page < 2 else "")

        client = self.serve({"JobService/ListJobs": list_jobs})
        jobs = client.jobs.list(state=["queued", "running"], concept="concepts/1", page_size=10)
        self.assertEqual([next(jobs).name for _ in range(11)], [f"jobs/{i}" for i in range(11)])
        self.assertEqual(len(self.server.calls), 2)
        self.assertEqual(len(list(jobs)), 19)
        request = self.server.requests("JobService/ListJobs")[-1]
        self.assertEqual(list(request.filter.states), [1, 2])
        self.assertEqual(request.filter.concept_name, "concepts/1")

    def test_options_are_checked_before_the_call(self):
        client = self.serve({})
        for call, message in (
                (lambda: client.train("concepts/1", "robot", stepz=3), "did you mean steps"),
                (lambda: client.train("concepts/1", "robot", dialect="latin"), "one of paper, mmagic"),
                (lambda: client.train("concepts/1", "robot", sites="one"), "must be a list"),
                (lambda: client.train("concepts/1", "robot", request_id="short"), "16..64 characters"),
                (lambda: list(client.jobs.list(state="lost")), "one of queued"),
                (lambda: list(client.jobs.list(created_after=datetime.datetime(2026, 1, 1))), "time zone")):
            with self.assertRaisesRegex((TypeError, ValueError), message):
                call()
        self.assertEqual(self.server.calls, [])

    def test_several_prompts_and_pictures_to_start_from_reach_the_spec(self):
        create = "JobService/CreateGenerationJob"

        def generation(request, context):
            return job_pb2.Job(name="jobs/7", kind=2, spec=job_pb2.JobSpec(generate=request.generate))

        client = self.serve({create: generation})
        start = vico.Picture(kind="concept", name="concepts/1/pictures/0")
        client.generate(["a", "b"], adapter="adapters/1", base_model="baseModels/2", n=2, seed=5, strength=0.5,
                        init_picture=start, denoise=0.75, mask_picture="jobs/3/pictures/1",
                        display_name="both", labels={"team": "toys"})
        request = self.server.requests(create)[0]
        self.assertEqual(request.generate, job_pb2.GenerateSpec(
            prompts=["a", "b"], adapter="adapters/1", base_model="baseModels/2", picture_count=2, seeds=[5],
            strength=0.5, init_picture="concepts/1/pictures/0", denoise=0.75, mask_picture="jobs/3/pictures/1"))
        self.assertEqual((request.display_name, dict(request.labels)), ("both", {"team": "toys"}))

    def test_each_finished_picture_knows_its_prompt(self):
        spec = job_pb2.GenerateSpec(prompts=["a", "b"], picture_count=2)
        done = job_pb2.Job(name="jobs/7", kind=2, spec=job_pb2.JobSpec(generate=spec),
                           pictures=[job_pb2.Picture(index=index, seed=index % 2) for index in (3, 0, 2, 1)])
        client = self.serve({"JobService/GetJob": lambda request, context: done})
        pictures = client.jobs.get("jobs/7").finished
        self.assertEqual({p.index: p.prompt for p in pictures}, {0: "a", 1: "a", 2: "b", 3: "b"})

    def test_a_training_has_its_name_and_labels_from_the_start(self):
        client = self.serve({CREATE: lambda request, context: job()})
        client.train("concepts/1", "robot", display_name="first", labels={"team": "toys"})
        request = self.server.requests(CREATE)[0]
        self.assertEqual((request.display_name, dict(request.labels)), ("first", {"team": "toys"}))

    def test_options_reach_the_spec(self):
        client = self.serve({CREATE: lambda request, context: job()})
        client.train("concepts/1", "robot", steps=7, dialect="mmagic", sites=["a", "b"], mask=False,
                     sample_prompts=["p"], seed=2**64 - 1)
        expected = job_pb2.TrainSpec(concept_name="concepts/1", init_word="robot", steps=7, dialect=2,
                                     sites=["a", "b"], mask=False, sample_prompts=["p"], seed=2**64 - 1)
        self.assertEqual(self.server.requests(CREATE)[0].train, expected)

    def test_an_evaluation_ends_with_the_report_of_its_adapter(self):
        spec = job_pb2.JobSpec(evaluate=job_pb2.EvaluateSpec(adapter="adapters/1"))
        ended = job_pb2.Job(name="jobs/9", kind=3, state=job_pb2.JOB_STATE_SUCCEEDED, spec=spec)
        report = adapter_pb2.AdapterReport(adapter="adapters/1", job="jobs/9", prompts=["a S*"], losses=[0.5])
        report.figures.add(name="clip_i", measured_with="CLIP", before=0.5, after=0.75, after_by_prompt=[0.75])
        client = self.serve({
            "AdapterService/GetAdapter": lambda request, context: adapter_pb2.Adapter(name=request.name),
            "AdapterService/GetAdapterReport": lambda request, context: report,
            "JobService/CreateEvaluationJob": lambda request, context: ended,
            "JobService/GetJob": lambda request, context: ended})
        adapter = client.adapters.get("adapters/1")
        evaluation = adapter.evaluate(prompts=["a S*"], n=1, labels={"team": "toys"})
        request = self.server.requests("JobService/CreateEvaluationJob")[0]
        self.assertEqual(request.evaluate, job_pb2.EvaluateSpec(
            adapter="adapters/1", prompts=["a S*"], picture_count=1))
        self.assertEqual(dict(request.labels), {"team": "toys"})
        self.assertIsInstance(evaluation, vico.Evaluation)
        self.assertIsInstance(client.jobs.get("jobs/9"), vico.Evaluation)
        measured = evaluation.wait(timeout=5)
        self.assertEqual(measured, adapter.report())
        self.assertEqual(measured["clip_i"].after, 0.75)
        self.assertEqual(measured["clip_i"].after_by_prompt, (0.75,))
        self.assertEqual(repr(measured), "<Report adapters/1 clip_i 0.500 -> 0.750>")
        with self.assertRaisesRegex(TypeError, "must be a list"):
            adapter.evaluate(prompts="a S*")

    def test_a_training_is_continued_from_its_adapter(self):
        client = self.serve({
            "AdapterService/GetAdapter": lambda request, context: adapter_pb2.Adapter(name=request.name),
            "JobService/ContinueTraining": lambda request, context: job("jobs/2")})
        training = client.adapters.get("adapters/1").continue_training(100, display_name="further")
        self.assertIsInstance(training, vico.Training)
        request = self.server.requests("JobService/ContinueTraining")[0]
        self.assertEqual((request.adapter, request.steps, request.display_name), ("adapters/1", 100, "further"))
        self.assertRegex(request.request_id, "^[0-9a-f]{32}$")

    def test_updates_name_what_changes(self):
        client = self.serve({
            "AdapterService/GetAdapter": lambda request, context: adapter_pb2.Adapter(name=request.name),
            "AdapterService/UpdateAdapter": lambda request, context: request.adapter})
        adapter = client.adapters.get("adapters/1").update(labels={"team": "toys"})
        request = self.server.requests("AdapterService/UpdateAdapter")[0]
        self.assertEqual(list(request.update_mask.paths), ["labels"])
        self.assertEqual(adapter.labels, {"team": "toys"})

    def test_a_bulk_cancel_goes_on_while_there_are_more(self):
        def cancel(request, context):
            return job_service_pb2.CancelJobsResponse(cancelled_count=2, requested_count=1,
                                                      more=len(self.server.calls) < 3)

        client = self.serve({"JobService/CancelJobs": cancel})
        self.assertEqual(client.jobs.cancel_all(kind="generation"), 9)
        self.assertEqual(list(self.server.calls[0][1].filter.kinds), [2])

    def test_a_word_check_is_true_for_one_token(self):
        client = self.serve({"ModelService/CheckWord": lambda request, context: model_pb2.CheckWordResponse(
            one_token=request.word == "robot", near_words=["robot"])})
        self.assertTrue(client.check_word("robot"))
        self.assertEqual(client.check_word("robott").near_words, ("robot",))

    def test_a_closed_client_says_so(self):
        client = self.serve({})
        client.close()
        with self.assertRaisesRegex(RuntimeError, "closed"):
            client.capabilities()

    def test_asyncio_retries_and_raises_as_the_blocking_client(self):
        def create(request, context):
            if len(self.server.calls) < 3:
                fail(context, CODE.UNAVAILABLE, "away")
            return job()

        self.serve({CREATE: create, "ConceptService/GetConcept": lambda request, context: fail(
            context, CODE.NOT_FOUND, "no such concept", reason="CONCEPT_NOT_FOUND")})

        async def run():
            async with vico.AsyncClient(self.server.address) as client:
                training = await client.train("concepts/1", "robot")
                with self.assertRaises(vico.NotFound) as raised:
                    await client.concepts.get("concepts/1")
                return training.name, raised.exception.reason

        self.assertEqual(asyncio.run(run()), ("jobs/1", "CONCEPT_NOT_FOUND"))
        self.assertEqual(len({request.request_id for request in self.server.requests(CREATE)}), 1)

    def test_asyncio_lists_pages(self):
        self.serve({"ConceptService/ListConcepts": lambda request, context: concept_pb2.ListConceptsResponse(
            concepts=[concept_pb2.Concept(name="concepts/1")] * 2,
            next_page_token="" if request.page_token else "2")})

        async def run():
            async with vico.AsyncClient(self.server.address) as client:
                return [concept.name async for concept in client.concepts.list()]

        self.assertEqual(asyncio.run(run()), ["concepts/1"] * 4)


if __name__ == "__main__":
    unittest.main()
