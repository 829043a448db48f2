//! The file of an engine that reads another one than the reference: recorded by its digest, and judged only
//! if its weights are those of the model.
