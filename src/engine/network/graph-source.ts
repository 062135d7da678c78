import { withWeightsFound } from '../onnx/external-files.ts';

/** Where a network's graph and weights are. */
export type GraphSource =
  | {
      kind: 'file';
      /** an .onnx file, its weights inside it or beside it */
      path: string;
    }
  | {
      kind: 'built';
      /** written from nothing, not an edited file */
      own: boolean;
      /** the file that people know it by: the one that was edited, or the one that holds its weights */
      path: string;
      bytes: Uint8Array;
      /** the folder below which the files with its weights lie */
      weightsIn: string;
    };

/** An edited copy of the file at the path; its external data is still looked for beside the path, and where links lead. */
export async function editedFile(path: string, bytes: Uint8Array): Promise<GraphSource> {
  return { kind: 'built', own: false, path, ...(await withWeightsFound(path, bytes)) };
}

/** A graph that was written over the weights in the file at the path, and perhaps in others. */
export function builtSource(
  path: string,
  graph: { bytes: Uint8Array; weightsIn: string },
): GraphSource {
  return { kind: 'built', own: true, path, ...graph };
}
