//! Whole checkpoints in and out of HCT: safetensors walking, routing, streaming.
