/** Something that the log recovered from by itself, and that an operator should hear of. */
export interface LogWarning {
  readonly kind:
    /** The end of the log was torn or damaged, and has been cut off at the last good record. */
    | 'tail-cut'
    /** Records inside the log are damaged; reading them is LOG_CORRUPT. */
    | 'records-damaged'
    /** A group had committed a later position than the log's end: the offsets between are lost. */
    | 'records-missing'
    /** The disk cap dropped records that a holding group had not committed yet. */
    | 'unread-dropped'
    /** Old segments could not be removed, or positions could not be compacted; tried again later. */
    | 'upkeep-failed'
    /** A topic lies on disk that is not declared; it is left alone and not counted towards the cap. */
    | 'topic-undeclared';
  readonly message: string;
  readonly topic?: string;
  readonly partition?: number;
  /** First offset concerned. */
  readonly offset?: number;
  /** Records concerned, where they can be counted, else bytes. */
  readonly count?: number;
}

export type OnWarning = (warning: LogWarning) => void;
