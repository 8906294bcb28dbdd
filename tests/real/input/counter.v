// A small design: a counter with enable and a serial transmitter that shows it.
module transmitter #(parameter DIVIDE = 16) (
        input clk, input reset, input start, input [7:0] data, output reg line, output busy);
        reg [9:0] shift;
        reg [3:0] left;
        reg [$clog2(DIVIDE)-1:0] tick;

        assign busy = left != 0;
        always @(posedge clk)
                if (reset) begin
                        left <= 0;
                        line <= 1;
                        tick <= 0;
                end else if (!busy && start) begin
                        shift <= {1'b1, data, 1'b0};
                        left <= 10;
                        tick <= 0;
                end else if (busy) begin
                        tick <= tick + 1;
                        if (tick == DIVIDE - 1) begin
                                line <= shift[0];
                                shift <= shift >> 1;
                                left <= left - 1;
                        end
                end
endmodule

module top(input clk, input reset, input enable, output line, output [7:0] value);
        reg [7:0] count;
        wire busy;

        assign value = count;
        always @(posedge clk)
                if (reset)
                        count <= 0;
                else if (enable && !busy)
                        count <= count * 5 + 3;
        transmitter #(.DIVIDE(16)) tx(.clk(clk), .reset(reset), .start(enable), .data(count),
                                      .line(line), .busy(busy));
endmodule
