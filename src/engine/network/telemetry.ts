/**
 * ONNX Runtime's packages of 1.30 tell their maker how they are used (models, devices, a number that stands for the
 * machine), keep a database of it in ~/.cache/Microsoft/DeveloperTools and a log in the folder of temporary files:
 * onnxruntime/core/platform/posix/telemetry.cc. Nobody who runs Darkroom was asked. Whoever wants it sets the variable to 0.
 *
 * Imported before the library, which looks once, at the process's own environment: that of a worker thread is a copy, so
 * whoever starts threads imports this as well.
 */
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
