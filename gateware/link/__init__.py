"""Byte-stream link of the instrument: frames in, frames out."""
