// The floor page's harness lies beside the checkout (shared/bench/canvas/pages/common); the bench
// driver points the name "floor/..." there when it bundles.
declare module "floor/bench" {
  import type { Graph } from "floor/graph";
  export interface Impl {
    init(element: HTMLElement): void | Promise<void>;
    load(graph: Graph): void | Promise<void>;
    ready(): boolean;
    setViewport(x: number, y: number, zoom: number): void;
    getViewport(): { x: number; y: number; zoom: number };
    highlight?(ids: string[], on: boolean): void;
  }
  export const opts: { n: number };
  export function start(impl: Impl): Promise<void>;
}

declare module "floor/graph" {
  export interface Graph {
    nodes: { id: string; title: string; cat: number; x: number; y: number; value: string }[];
    edges: { id: string; source: string; sourcePin: string; target: string; targetPin: string; type: string }[];
    hub: string;
  }
  export function makeGraph(n: number): Graph;
}
