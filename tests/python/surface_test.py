"""What must agree: the methods with the services, the options with the specs, the two clients with each other."""
import inspect
import pathlib
import re
import unittest

import vico
from vico import _methods, _specs, admin, aio, client
from vico.v1 import adapter_pb2, admin_pb2, concept_pb2, job_pb2, job_service_pb2, model_pb2, picture_pb2

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = (adapter_pb2, admin_pb2, concept_pb2, job_service_pb2, model_pb2, picture_pb2)
# CreateGenerationJob and WatchJob take its place: they can be repeated one by one.
NOT_WRAPPED = {"JobService/Generate"}


def members(cls):
    """Public functions and properties, with parameters that do not tell the two clients apart."""
    found = {}
    for name, member in inspect.getmembers(cls):
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            found[name] = "property"
        elif inspect.isfunction(member):
            signature = inspect.signature(member)
            kept = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
            found[name] = str(signature.replace(parameters=kept, return_annotation=signature.empty))
    return found


class SurfaceTest(unittest.TestCase):
    def test_each_method_of_the_services_is_in_the_table_with_its_messages(self):
        table = {m.name: (m.request.DESCRIPTOR.full_name, m.response.DESCRIPTOR.full_name)
                 for m in vars(_methods).values() if isinstance(m, _methods.Method)}
        served = {f"{service.name}/{method.name}": (method.input_type.full_name, method.output_type.full_name)
                  for file in FILES for service in file.DESCRIPTOR.services_by_name.values()
                  for method in service.methods}
        for name in NOT_WRAPPED:
            served.pop(name)
        self.assertEqual(table, served)

    def test_the_options_of_a_training_are_the_fields_of_its_spec(self):
        given = {"concept_name", "init_word", "continued_adapter", "continued_steps"}
        fields = set(job_pb2.TrainSpec.DESCRIPTOR.fields_by_name) - given
        self.assertEqual(set(_specs.TrainOptions.__annotations__), fields)

    def test_the_options_of_a_generation_are_the_fields_of_its_spec(self):
        given = {"prompt", "prompts", "adapter", "base_model", "picture_count", "seeds"}
        fields = set(job_pb2.GenerateSpec.DESCRIPTOR.fields_by_name) - given
        self.assertEqual(set(_specs.GenerateOptions.__annotations__), fields)

    def test_the_words_of_options_are_the_values_of_their_enums(self):
        for spec, options in ((job_pb2.TrainSpec, _specs.TrainOptions), (job_pb2.GenerateSpec, _specs.GenerateOptions)):
            for name, annotation in options.__annotations__.items():
                field = spec.DESCRIPTOR.fields_by_name[name]
                if field.enum_type is not None:
                    words = re.findall(r"['\"](\w+)['\"]", annotation.__forward_arg__)
                    self.assertEqual(words, list(_specs.enum_words(field)), name)

    def test_the_two_clients_have_the_same_methods(self):
        for blocking, other, known in ((client, aio, "Client"), (admin.client, admin.aio, "AdminClient")):
            names = [name for name, member in vars(blocking).items() if inspect.isclass(member)
                     and member.__module__ == blocking.__name__ and not name.startswith("_")]
            self.assertIn(known, names)
            for name in names:
                with self.subTest(name):
                    self.assertEqual(members(getattr(blocking, name)), members(getattr(other, "Async" + name)))

    def test_the_version_is_that_of_the_project(self):
        cmake = re.search(r"project\(vico VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
        self.assertIn(f'version = "{cmake}"', (ROOT / "python/pyproject.toml").read_text())

    def test_all_that_is_exported_is_there(self):
        self.assertEqual(vico.__all__, sorted(vico.__all__, key=lambda name: (name.islower(), name)))
        for name in vico.__all__:
            self.assertTrue(hasattr(vico, name), name)


if __name__ == "__main__":
    unittest.main()
