import { sayer } from '../engine/said.ts';

/** Why a model was not fetched, checked or removed. */
export const HUB_SENTENCES = {
  'pull-what': (given: string) =>
    `${given} names nothing that can be fetched: expected owner/name of the hub, owner/name/file.safetensors, civitai:NUMBER, an address that begins with https://, or a name of the catalogue.`,
  'pull-not-found': (what: string, host: string) =>
    `${host} has no ${what}. Check the name and the revision.`,
  'pull-needs-token': (what: string, page: string, variable: string) =>
    `${what} is not there, or not for everybody: accept its terms at ${page} if it asks for that, and set ${variable} to a token that may read it.`,
  'pull-token-refused': (what: string, page: string, variable: string) =>
    `The token in ${variable} may not read ${what}: accept its terms at ${page} with the token's account, or use another token.`,
  'pull-unreachable': (host: string, why: string) =>
    `${host} cannot be reached (${why}). Nothing was lost: run the same again to go on.`,
  'pull-answered': (host: string, status: number) =>
    `${host} answered with ${status}. Nothing was lost: run the same again later to go on.`,
  'pull-answer-odd': (host: string) =>
    `${host} did not answer as its API is described. Check the address; a mirror is named by HF_ENDPOINT.`,
  'pull-web-page': (host: string, file: string) =>
    `${host} sent a web page in place of ${file}: it wants somebody to log in, or to agree to something first.`,
  'pull-address-refused': (address: string) =>
    `${address} is not fetched: only http and https are, and never from a public address to one inside this network.`,
  'pull-too-many-redirects': (host: string) => `${host} sends from address to address without end.`,
  'pull-no-revision': (address: string) =>
    `${address} has no revisions: --revision is for the hub and for Civitai.`,
  'pull-pickles-only': (what: string) =>
    `${what} holds pickles (.ckpt, .bin, .pt) only, which may run programs when they are opened. Take a version in .safetensors.`,
  'pull-no-weights': (what: string) =>
    `${what} holds no model that Darkroom opens: no .safetensors, no .gguf and no ONNX folder.`,
  'pull-many-files': (what: string, files: string) =>
    `${what} holds several models. Name one: ${files}.`,
  'pull-odd-path': (what: string) =>
    `${what} lists a file whose name leads elsewhere. It is not fetched.`,
  'pull-unsafe': (what: string, verdict: string) =>
    `The site itself says that ${what} is not safe (${verdict}). It is not fetched.`,
  'pull-wrong-size': (file: string, told: string, came: string) =>
    `${file} was told to have ${told} and has ${came}. It was not kept.`,
  'pull-wrong-hash': (file: string, told: string, came: string) =>
    `${file} came with other bytes than were told (SHA-256 ${told} was told, ${came} came). It was not kept: run the same again, or take another source.`,
  'pull-broke-off': (file: string, have: string, of: string) =>
    `The connection broke off again and again at ${have} of ${of} of ${file}. What came is kept: run the same again to go on.`,
  'pull-no-room': (needs: string, free: string) =>
    `The model takes ${needs}, and ${free} are free where the models lie. Make room, or set MODELS_DIR to another disk.`,
  'pull-disk-full': (file: string) =>
    `The disk became full at ${file}. What came is kept: make room and run the same again to go on.`,
  'pull-cannot-write': (folder: string, code: string) =>
    `${folder} cannot be written (${code}). Give this account the right to write there, or set MODELS_DIR.`,
  'pull-name-odd': (name: string) =>
    `"${name}" cannot be a model's name here: expected letters, digits, spaces and . _ - ( ) +, at most 100, and none of the folders' own names such as vae or loras. Give one with --as.`,
  'pull-name-taken': (name: string) =>
    `There is something called ${name} already that was not fetched from there. Give another name with --as, or remove that one first.`,
  'pull-under-way': (name: string) => `${name} is being fetched by another program just now.`,
  'pull-is-no-model': (what: string, why: string) =>
    `${what} was fetched and is nothing to paint with, so it was not kept: ${why}`,
  'pulled-unknown': (name: string, known: string) =>
    `No model called ${name} was fetched by \`models pull\`. ${known}`,
  'pulled-damaged': (name: string) =>
    `The note about ${name} cannot be read. Remove the model by hand and fetch it again.`,
};

export const sayOfHub = sayer(HUB_SENTENCES);
