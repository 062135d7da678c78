/** What tells one family of models from another. A file a family; families.ts is the table. */
import type { CheckpointReading, Facts } from '../checkpoint.ts';

export type FamilyReader = {
  /** a name of its own among these */
  id: string;
  /** the tensors' names are of this family; nothing is checked yet */
  fits(facts: Facts): boolean;
  /**
   * Everything the files tell.
   * @throws RunError for a network that lacks tensors, has others than it should, or cannot be painted with yet
   */
  read(facts: Facts): Promise<CheckpointReading>;
};
