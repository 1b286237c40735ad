import { describe, expect, it } from 'vitest';
import { clusterTopics } from '../../cli/topics.ts';
import { parseConfig } from '../../config/load.ts';

const topicsWith = (mirror: object) => clusterTopics(parseConfig({ log: { partitions: 6 }, kafka: { mirror } }));

describe('the topics of a cluster', () => {
  it('have the mirror only where it is asked for, with the partitions and the retention of the events', () => {
    expect(topicsWith({}).map(({ name }) => name)).not.toContain('events-json');
    const topics = topicsWith({ enabled: true, topic: 'for-others' });
    const { name, ...like } = topics.find((topic) => topic.name === 'for-others')!;
    expect({ name: 'events', ...like }).toEqual(topics.find((topic) => topic.name === 'events'));
    expect(name).toBe('for-others');
  });

  it.each(['events', 'partials', 'findings', 'alerts'])('are not mixed up with the mirror: %s is refused', (topic) => {
    expect(() => topicsWith({ enabled: true, topic })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(() => topicsWith({ topic })).not.toThrow();
  });

  it.each(['_pos', '_src', 'time', 'colour'])('a mirror cannot leave out %s', (column) => {
    expect(() => topicsWith({ leaveOut: [column] })).toThrow(/leaveOut/);
  });
});
