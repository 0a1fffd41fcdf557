"""A stand-in for Vertex AI: gRPC on loopback, in memory.

It behaves as the service's protos and documentation say (cited at each method) and answers
UNIMPLEMENTED to whatever they do not settle, rather than guess. Faults are injected on demand.
"""
