import { dataPath, filesOf } from './data-root.ts';
import { nabSeries } from './nab.ts';
import { runPipeline, type PipelineRun } from './run-pipeline.ts';

/** Data sets that several measurements look at, each run once. */
const RECORDED: Readonly<Record<string, () => readonly string[]>> = {
  nab: () => nabSeries().map(({ path }) => path),
  skab: () => [...filesOf('skab/valve1', '.csv'), ...filesOf('skab/anomaly-free', '.csv')],
  batadal: () => filesOf('batadal', '.csv'),
  wsn: () => filesOf('wsn', '.csv'),
};

const runs = new Map<string, Promise<PipelineRun>>();

/** The whole data set through the pipeline, all of its files as one site. */
export function recordedRun(name: string): Promise<PipelineRun> {
  let run = runs.get(name);
  if (!run) runs.set(name, (run = runPipeline(RECORDED[name]?.() ?? [dataPath(name)])));
  return run;
}
