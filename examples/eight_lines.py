"""Trains an adapter for the robot in examples/robot and draws it. The README of python/ says how to start."""
import vico

client = vico.Client()
concept = client.concepts.upload("examples/robot", display_name="robot")
training = client.train(concept, init_word="robot")
adapter = training.wait(progress=True)
for picture in adapter.generate("a photo of a S* on the beach", n=4):
    path = picture.save("beach/")
    print(f"drawn with seed {picture.seed}: {path}")
