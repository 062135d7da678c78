import type { CHECKPOINT_SENTENCES } from '../../../engine/sentences.ts';

const comma = (number: string): string => number.replace('.', ',');

const AGAIN = 'Lade sie noch einmal von dort, wo sie herkommt.';

/** About .safetensors files and folders of them. */
export const SAID_OF_CHECKPOINTS: typeof CHECKPOINT_SENTENCES = {
  'file-is-absent': (file) =>
    `${file} ist nicht da, oder ein Verweis auf eine Datei, die es nicht gibt.`,
  'file-unreadable': (file, code) =>
    `${file} lässt sich nicht lesen (${code}). Gib dem Konto, unter dem Darkroom läuft, das Recht dazu.`,
  'links-in-a-circle': (file) =>
    `${file} ist ein Verweis, der auf sich selbst zurückführt. Lege die Datei selbst dorthin.`,
  'not-a-file': (file) => `${file} ist keine Datei.`,
  'file-has-no-bytes': (file) => `${file} ist leer. ${AGAIN}`,
  'file-is-changing': (file) =>
    `${file} wurde kürzer, während sie gelesen wurde. Warte, bis sie ganz kopiert oder geladen ist.`,
  'file-breaks-off': (file, found, expected) =>
    `${file} bricht ab: da sind ${comma(found)} von ${comma(expected)}. Der Download ist abgebrochen, oder ein Tensor liegt hinter dem Ende. ${AGAIN}`,
  'header-breaks-off': (file) =>
    `${file} bricht ab, bevor die Liste ihrer Tensoren endet. ${AGAIN}`,
  'not-safetensors': (file) =>
    `${file} ist keine safetensors-Datei: am Anfang steht keine Liste von Tensoren. ${AGAIN}`,
  'file-goes-on': (file, more) =>
    `${file} geht hinter dem letzten Tensor noch ${comma(more)} weiter, als hingen zwei Dateien aneinander. ${AGAIN}`,
  'too-many-tensors': (file, found, most) =>
    `${file} nennt ${found} Tensoren; Netze haben einige tausend, gelesen werden höchstens ${most}. Das ist kein Modell für Darkroom.`,
  'tensor-twice': (file, tensor) =>
    `${file} nennt den Tensor ${tensor} zweimal. Sie ist beschädigt: ${AGAIN}`,
  'tensor-described-wrongly': (file, tensor) =>
    `${file} ist beschädigt: ihr Tensor ${tensor} hat keinen rechten Typ, keine Form oder keinen Ort. ${AGAIN}`,
  'tensor-type': (file, tensor, type) =>
    `${file} speichert ${tensor} als ${type}, eine Quantisierung, die Darkroom nicht kennt. Nimm eine Fassung in fp16, bf16, fp32 oder fp8.`,
  'tensor-length': (file, tensor, shape, type, found) =>
    `${file} ist beschädigt: ihr Tensor ${tensor} der Form [${shape}] in ${type} hat ${found} Bytes, das passt nicht. ${AGAIN}`,
  'tensor-overlaps': (file, tensor) =>
    `${file} ist beschädigt: ihr Tensor ${tensor} beginnt mitten in einem anderen. ${AGAIN}`,
  'tensor-hole': (file, tensor) =>
    `${file} ist beschädigt: vor ihrem Tensor ${tensor} liegen Bytes, die zu keinem gehören. ${AGAIN}`,

  'file-is-pickle': (file) =>
    `${file} ist ein Pickle (.ckpt, .pt, .bin), das beim Öffnen jedes beliebige Programm ausführen kann; Darkroom öffnet es nicht. Hol dir das Modell als .safetensors, oder wandle es einmal um: python -c "import torch,safetensors.torch as s,sys; d=torch.load(sys.argv[1],weights_only=True,map_location='cpu'); d=d.get('state_dict',d); s.save_file({k:v.contiguous().clone() for k,v in d.items() if hasattr(v,'dtype')},sys.argv[2])" alt.ckpt neu.safetensors`,
  'file-is-gguf': (file) => `${file} ist eine GGUF-Datei mit der falschen Endung. Nenne sie .gguf.`,
  'file-is-lfs-pointer': (file) =>
    `${file} ist ein Zeiger von Git LFS, nicht die Datei selbst. Rufe dort, wo sie herkommt, \`git lfs pull\` auf, oder lade die Datei von der Seite des Modells.`,
  'file-is-web-page': (file) =>
    `${file} ist eine Webseite, die statt des Modells gespeichert wurde, oft weil der Download eine Anmeldung braucht. Lade es im Browser oder mit deinem Zugangsschlüssel.`,
  'file-is-json': (file) =>
    `${file} ist JSON-Text, kein Modell; oft ist es die Antwort einer Seite, die den Download verweigert hat. ${AGAIN}`,
  'file-is-archive': (file) =>
    `${file} ist ein Archiv (zip, rar, 7z, gz). Packe es aus und lege die .safetensors-Datei daraus hierher.`,
  'file-is-picture': (file) => `${file} ist ein Bild, kein Modell.`,
  'file-is-onnx': (file) =>
    `${file} ist ein ONNX-Graph. ONNX-Modelle sind Ordner (unet/model.onnx, text_encoder/model.onnx, …): lege den ganzen Ordner in den Modellordner.`,
  'file-is-blank': (file) =>
    `${file} beginnt mit lauter Nullen: der Download hat den Platz reserviert und ist nicht fertig. Warte darauf, oder starte ihn neu.`,
};
