const AGAIN = 'Download it again from where it came from.';

/** About .safetensors files and folders of them: what they are, what is wrong with them, and where they belong. */
export const CHECKPOINT_SENTENCES = {
  // What is wrong with a file
  'file-is-absent': (file: string) =>
    `${file} is not there, or it is a link to a file that is not.`,
  'file-unreadable': (file: string, code: string) =>
    `${file} cannot be read (${code}). Give the account that runs Darkroom the right to read it.`,
  'links-in-a-circle': (file: string) =>
    `${file} is a link that leads back to itself. Put the file itself there.`,
  'not-a-file': (file: string) => `${file} is not a file.`,
  'file-has-no-bytes': (file: string) => `${file} has no bytes. ${AGAIN}`,
  'file-is-changing': (file: string) =>
    `${file} became shorter while it was read. Wait until it is copied or downloaded completely.`,
  'file-breaks-off': (file: string, found: string, expected: string) =>
    `${file} breaks off: it has ${found} of ${expected}. The download was cut short, or a tensor lies beyond the end. ${AGAIN}`,
  'header-breaks-off': (file: string) =>
    `${file} breaks off before the list of its tensors ends. ${AGAIN}`,
  'not-safetensors': (file: string) =>
    `${file} is not a safetensors file: it does not begin with a list of tensors. ${AGAIN}`,
  'file-goes-on': (file: string, more: string) =>
    `${file} goes on for ${more} behind its last tensor, as if two files had been joined. ${AGAIN}`,
  'too-many-tensors': (file: string, found: number, most: number) =>
    `${file} names ${found} tensors; networks have some thousands, and at most ${most} are read. It is not a model for Darkroom.`,
  'tensor-twice': (file: string, tensor: string) =>
    `${file} names the tensor ${tensor} twice. It is damaged: ${AGAIN}`,
  'tensor-described-wrongly': (file: string, tensor: string) =>
    `${file} is damaged: its tensor ${tensor} has no proper type, shape and place. ${AGAIN}`,
  'tensor-type': (file: string, tensor: string, type: string) =>
    `${file} stores ${tensor} as ${type}, a kind of quantisation that Darkroom does not know. Take a version in fp16, bf16, fp32 or fp8.`,
  'tensor-length': (file: string, tensor: string, shape: string, type: string, found: number) =>
    `${file} is damaged: its tensor ${tensor} of shape [${shape}] in ${type} has ${found} bytes, which do not fit. ${AGAIN}`,
  'tensor-overlaps': (file: string, tensor: string) =>
    `${file} is damaged: its tensor ${tensor} begins inside another one. ${AGAIN}`,
  'tensor-hole': (file: string, tensor: string) =>
    `${file} is damaged: before its tensor ${tensor} are bytes that belong to none. ${AGAIN}`,

  // What a file is instead
  'file-is-pickle': (file: string) =>
    `${file} is a pickle (.ckpt, .pt, .bin), which can run any program when it is opened; Darkroom does not open it. Get the model as .safetensors, or convert it once: python -c "import torch,safetensors.torch as s,sys; d=torch.load(sys.argv[1],weights_only=True,map_location='cpu'); d=d.get('state_dict',d); s.save_file({k:v.contiguous().clone() for k,v in d.items() if hasattr(v,'dtype')},sys.argv[2])" old.ckpt new.safetensors`,
  'file-is-gguf': (file: string) => `${file} is a GGUF file with the wrong ending. Call it .gguf.`,
  'file-is-lfs-pointer': (file: string) =>
    `${file} is a pointer of Git LFS, not the file itself. Run \`git lfs pull\` where it came from, or download the file from the model's page.`,
  'file-is-web-page': (file: string) =>
    `${file} is a web page that was saved in place of the model, often because the download needs a login. Download it in the browser, or with your access token.`,
  'file-is-json': (file: string) =>
    `${file} is JSON text, not a model; often it is a site's answer that the download was refused. ${AGAIN}`,
  'file-is-archive': (file: string) =>
    `${file} is an archive (zip, rar, 7z, gz). Unpack it and put the .safetensors file that is inside here.`,
  'file-is-picture': (file: string) => `${file} is a picture, not a model.`,
  'file-is-onnx': (file: string) =>
    `${file} is an ONNX graph. ONNX models are folders (unet/model.onnx, text_encoder/model.onnx, …): put the whole folder into the models folder.`,
  'file-is-blank': (file: string) =>
    `${file} begins with zeros only: its download has set the space aside and not finished. Wait for it, or start it again.`,
};
