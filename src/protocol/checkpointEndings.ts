/** How the files that checkpoints are kept in end. */
export const CHECKPOINT_ENDINGS = ['.onnx', '.safetensors', '.pth', '.pth.tar', '.pt', '.ckpt', '.th', '.bin'] as const;
/** And those that can't be read, which a search lists with what would make them rankable. */
export const OTHER_CHECKPOINT_ENDINGS = [
  ...['.h5', '.hdf5', '.keras', '.msgpack', '.pb', '.index', '.tflite', '.mlmodel', '.torchscript', '.ptl', '.gguf'],
  ...['.pt2', '.distcp', '.engine', '.ort', '.pdparams'],
] as const;
